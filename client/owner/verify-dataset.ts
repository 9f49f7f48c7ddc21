import { InvalidInputError } from '../../core/errors.ts';
import type { DatasetId, DatasetKey } from '../../core/ids.ts';
import type { CssY, RecordSource } from '../../core/ports/css.ts';
import type { Anchor, Ledger } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { type CssYEvidence, verifyOwnerCssY } from '../../core/protocols/owner-css-y.ts';
import { chooseDistinct } from '../../core/sampling/choose-blocks.ts';
import { type Assurance, assure } from '../../core/sampling/confidence.ts';
import { EVIDENCE_PROVES, type Verdict, type VerdictAnchor, type VerdictKind } from '../../core/verdict.ts';
import { readAnchor } from './read-anchor.ts';

export interface OwnerDeps {
  readonly primitives: Primitives;
  readonly ledger: Ledger;
  readonly css: CssY & RecordSource;
}

export interface DatasetAudit {
  readonly dataset: DatasetId;
  readonly datasetKey: DatasetKey;
  readonly evidence: CssYEvidence;
  readonly anchor: Anchor;
  /** Blocks from … to, both inclusive; the whole log when absent. */
  readonly range?: { readonly from: number; readonly to: number };
  /** How many blocks to choose at random; all when absent. */
  readonly sample?: number;
  /** The damaged fraction the confidence is stated for. */
  readonly fraction?: number;
  /** First chain block to search for signers. */
  readonly fromBlock?: number;
}

/** The report of an audit, in words and numbers. */
export interface AuditReport {
  readonly dataset: DatasetId;
  readonly protocol: 'I';
  readonly evidence: CssYEvidence;
  readonly proves: string;
  readonly anchor: VerdictAnchor;
  /** Blocks of the range, and how many of them were checked. */
  readonly total: number;
  readonly checked: number;
  readonly counts: Readonly<Record<VerdictKind, number>>;
  /** Every verdict that is not intact. */
  readonly notIntact: readonly Verdict[];
  readonly assurance: Assurance;
  readonly ok: boolean;
}

const DEFAULT_FRACTION = 0.01;
/** Every block checked is a verdict held in memory; more are audited range by range. */
const MAX_AUDIT_BLOCKS = 8_000_000;

/** Protocol I over a whole dataset, a range or a random sample of it; `onVerdicts` hears every verdict. */
export async function verifyDataset(
  deps: OwnerDeps,
  audit: DatasetAudit,
  onVerdicts: (verdicts: readonly Verdict[], checked: number, wanted: number) => void = () => {},
  signal?: AbortSignal,
): Promise<AuditReport> {
  const { dataset, datasetKey, evidence } = audit;
  const anchored = await readAnchor(deps.ledger, dataset, audit.anchor, audit.fromBlock ?? 0, signal);
  const range = audit.range ?? { from: 0, to: anchored.head.size - 1 };
  if (range.from > range.to) throw new InvalidInputError(`There are no blocks from ${range.from} to ${range.to}.`);
  const total = range.to - range.from + 1;
  const wanted = Math.min(audit.sample ?? total, total);
  if (!(wanted >= 1 && wanted <= MAX_AUDIT_BLOCKS)) {
    throw new InvalidInputError(
      `An audit checks 1 to ${MAX_AUDIT_BLOCKS} blocks, not ${wanted}. Give a sample or a range of that size.`,
    );
  }
  const blocks = chooseDistinct(deps.primitives, total, wanted).map((number) => range.from + number);

  const counts: Record<VerdictKind, number> = {
    ...{ intact: 0, corrupted: 0, unavailable: 0, refused: 0, unrecorded: 0, misrecorded: 0 },
  };
  const notIntact: Verdict[] = [];
  let checked = 0;
  const protocol = { ...deps, ...anchored, datasetKey };
  for await (const verdicts of verifyOwnerCssY(protocol, blocks, evidence, signal)) {
    for (const verdict of verdicts) {
      counts[verdict.verdict] += 1;
      if (verdict.verdict !== 'intact') notIntact.push(verdict);
    }
    checked += verdicts.length;
    onVerdicts(verdicts, checked, blocks.length);
  }
  const unanswered = counts.unavailable + counts.refused + counts.unrecorded;
  const fraction = audit.fraction ?? DEFAULT_FRACTION;
  return {
    ...{ dataset, protocol: 'I' as const, evidence, proves: EVIDENCE_PROVES[evidence], anchor: anchored.anchor },
    ...{ total, checked, counts, notIntact },
    assurance: assure({ evidence, total, checked, intact: counts.intact, unanswered, fraction }),
    ok: counts.intact === blocks.length,
  };
}
