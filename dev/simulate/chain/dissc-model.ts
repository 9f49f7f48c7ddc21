import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { equalBytes, toHex } from '../../../core/bytes.ts';
import {
  anchorerOf,
  type Charter,
  datasetOfCharter,
  requireCharterSignature,
  type SignedCharter,
} from '../../../core/charter/charter.ts';
import type { DisscDomain } from '../../../core/dissc-domain.ts';
import { PlumblineError, ProofError } from '../../../core/errors.ts';
import type { Address, DatasetId, RoundBody, RoundRoot } from '../../../core/ids.ts';
import { requireBoundedGrowth } from '../../../core/log/growth.ts';
import { type Head, recoverHeadSigner } from '../../../core/log/head.ts';
import { EMPTY_ROOT } from '../../../core/log/peaks.ts';
import type { RecordCall, Update } from '../../../core/ports/ledger.ts';
import type { RoundCall } from '../../../core/ports/rounds.ts';
import { NO_ROUND, roundRoot } from '../../../core/rounds/round.ts';

/** What DISSC keeps of one dataset. */
export interface DatasetState {
  readonly head: Head;
  readonly device: Address;
  readonly serial: number;
}

/** DISSC's storage after some call. Never changed: each call makes the next. */
export type DisscState = ReadonlyMap<DatasetId, DatasetState>;

export type DisscEvent =
  | { readonly event: 'chartered'; readonly dataset: DatasetId; readonly charter: Charter }
  | {
      readonly event: 'recorded';
      readonly dataset: DatasetId;
      readonly signer: Address;
      readonly size: number;
      readonly root: Head['root'];
      readonly appended: readonly Uint8Array[];
    }
  | {
      readonly event: 'anchored';
      readonly anchorer: Address;
      readonly round: RoundRoot;
      readonly previous: RoundRoot;
      readonly body: RoundBody;
    };

/** The newest round of each account that has anchored one. Never changed. */
export type RoundsState = ReadonlyMap<Address, RoundRoot>;

export interface Recorded {
  readonly state: DisscState;
  readonly accepted: boolean[];
  readonly events: readonly DisscEvent[];
}

const DAY_SECONDS = 86_400;

/** `DISSC.record`, as contracts/src/DISSC.sol has it; null where the call as a whole reverts. */
export function recordOnDissc(
  domain: DisscDomain,
  before: DisscState,
  { charters, updates }: RecordCall,
  { sender, timestampSeconds }: { readonly sender: Address; readonly timestampSeconds: number },
): Recorded | null {
  const state = new Map(before);
  const events: DisscEvent[] = [];
  for (const charter of charters) {
    const dataset = datasetOfCharter(domain, charter);
    const known = state.get(dataset);
    if (charter.serial <= (known?.serial ?? 0)) continue;
    if (!isAllowed(domain, charter, sender, timestampSeconds)) return null;
    const head = known?.head ?? { dataset, size: 0, root: EMPTY_ROOT };
    state.set(dataset, { head, device: charter.device, serial: charter.serial });
    const { signature: _, ...shown } = charter;
    events.push({ event: 'chartered', dataset, charter: shown });
  }
  const accepted = updates.map((update) => {
    const { dataset, size, root, appended } = update;
    const known = state.get(dataset);
    if (known === undefined || !extendsHead(domain, known, update)) return false;
    state.set(dataset, { ...known, head: { dataset, size, root } });
    events.push({ event: 'recorded', dataset, signer: known.device, size, root, appended });
    return true;
  });
  return { state, accepted, events };
}

/** `DISSC.anchor`; null where the call reverts. */
export function anchorOnDissc(
  before: RoundsState,
  { previous, body }: RoundCall,
  { sender, timestampSeconds }: { readonly sender: Address; readonly timestampSeconds: number },
): { readonly rounds: RoundsState; readonly event: DisscEvent } | null {
  if (!equalBytes(before.get(sender) ?? NO_ROUND, previous)) return null;
  const round = roundRoot(nodePrimitives, timestampSeconds, previous, body);
  const rounds = new Map(before).set(sender, round);
  return { rounds, event: { event: 'anchored', anchorer: sender, round, previous, body } };
}

/** A charter that cannot be, or that is not the sender's to bring, spoils the whole call. */
function isAllowed(domain: DisscDomain, charter: SignedCharter, sender: Address, timestampSeconds: number): boolean {
  if (charter.serial > timestampSeconds + DAY_SECONDS || BigInt(charter.device) === 0n) return false;
  if (sender === charter.owner) return true;
  if (anchorerOf(charter) !== null) return false;
  return holds(() => requireCharterSignature(domain, charter));
}

function extendsHead(domain: DisscDomain, { head, device }: DatasetState, update: Update): boolean {
  const { dataset, size, root, peaks, appended, signature } = update;
  if (size <= head.size) return false;
  return holds(() => {
    requireBoundedGrowth(nodePrimitives, head, { size, root }, { from: head.size, to: size, peaks, appended });
    if (signerOf(domain, { dataset, size, root }, signature) !== device) throw new ProofError('Not its device signed.');
  });
}

/** Each head is looked at many times: in simulations, and again after a reorganisation. */
const signers = new Map<string, Address>();

function signerOf(domain: DisscDomain, head: Head, signature: Uint8Array): Address {
  const name = `${head.dataset} ${head.size} ${toHex(head.root)} ${toHex(signature)}`;
  const signer = signers.get(name) ?? recoverHeadSigner(domain, head, signature);
  if (signers.size > 10_000) signers.clear();
  signers.set(name, signer);
  return signer;
}

function holds(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (cause) {
    if (cause instanceof PlumblineError) return false;
    throw cause;
  }
}
