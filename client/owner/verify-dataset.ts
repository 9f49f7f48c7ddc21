import type { DatasetId } from '../../core/ids.ts';
import type { CssY, RecordSource } from '../../core/ports/css.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { CssYEvidence } from '../../core/protocols/challenge-storage.ts';
import { verifyOwnerCssY } from '../../core/protocols/owner-css-y.ts';
import type { DatasetKeyOf } from '../../core/protocols/owner-keys.ts';
import { type AuditReport, type AuditScope, auditBlocks, type OnVerdicts } from '../audit-blocks.ts';
import type { RoundSources } from '../growth/round-standing.ts';
import { type AnchoredHead, readAnchor } from '../read-anchor.ts';

export interface OwnerDeps {
  readonly primitives: Primitives;
  readonly ledger: Ledger;
  readonly css: CssY & RecordSource;
  /** Where to read rounds; without it, only what DISSC has recorded counts. */
  readonly rounds?: RoundSources;
  /** Where records come from, if not from the storage. They prove themselves, wherever they come from. */
  readonly openRecords?: OpenRecords;
}

/** Opens a source of records once the log is known from the chain. */
export type OpenRecords = (log: AnchoredHead, signal?: AbortSignal) => Promise<RecordSource>;

export interface DatasetAudit extends AuditScope {
  readonly dataset: DatasetId;
  readonly datasetKeyOf: DatasetKeyOf;
  readonly evidence: CssYEvidence;
}

/**
 * Protocol I over a whole dataset, a range or a random sample of it; `onVerdicts` receives every verdict.
 * `auditBlocks`
 * @throws NotRecordedError when nothing is recorded or anchored; LedgerUnavailableError without the chain; otherwise as
 * `auditBlocks`
 *
 * @example
 * const audit = { dataset, datasetKeyOf, anchor: 'final', evidence: 'possession', sample: 2 } as const;
 * const report = await verifyDataset({ primitives, ledger, css: service, rounds }, audit);
 * console.log(report.ok, report.counts.intact); // true 2
 */
export async function verifyDataset(
  deps: OwnerDeps,
  audit: DatasetAudit,
  onVerdicts?: OnVerdicts,
  signal?: AbortSignal,
): Promise<AuditReport> {
  const { dataset, datasetKeyOf, evidence } = audit;
  const anchored = await readAnchor(deps.ledger, dataset, audit.anchor, audit.fromBlock ?? 0, signal, deps.rounds);
  const records = (await deps.openRecords?.(anchored, signal)) ?? deps.css;
  const css: CssY & RecordSource = {
    hashBlocks: (...ask) => deps.css.hashBlocks(...ask),
    proveChunks: (...ask) => deps.css.proveChunks(...ask),
    getRecords: (...ask) => records.getRecords(...ask),
  };
  const { primitives } = deps;
  const { heads, signerOf } = anchored;
  const protocol = { primitives, css, heads, signerOf, datasetKeyOf };
  return auditBlocks(
    deps.primitives,
    anchored,
    { scope: audit, protocol: 'I', evidence },
    (blocks) => verifyOwnerCssY(protocol, blocks, evidence, signal),
    onVerdicts,
  );
}
