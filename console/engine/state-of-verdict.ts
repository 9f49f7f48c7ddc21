import type { Evidence, VerdictKind } from '../../core/verdict.ts';
import { STATE, type State } from './questions.ts';

const NOT_INTACT: Readonly<Record<Exclude<VerdictKind, 'intact'>, State>> = {
  corrupted: STATE.damaged,
  misrecorded: STATE.damaged,
  unavailable: STATE.missing,
  refused: STATE.refused,
  unrecorded: STATE.unrecorded,
};

/** How a verdict is shown in the heat map. */
export function stateOf({ verdict, evidence }: { readonly verdict: VerdictKind; readonly evidence: Evidence }): State {
  return verdict === 'intact' ? STATE[evidence] : NOT_INTACT[verdict];
}
