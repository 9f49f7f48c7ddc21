import { ArgumentError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { CssN, RecordSource } from '../../core/ports/css.ts';
import type { Ledger, LinkReader } from '../../core/ports/ledger.ts';
import type { P2pfs } from '../../core/ports/p2pfs.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { type ProtocolTwo, verifyByCid, verifyByRetrieval, verifyFromPeers } from '../../core/protocols/owner-css-n.ts';
import type { AuditKeyOf, DatasetKeyOf } from '../../core/protocols/owner-keys.ts';
import type { Verdict } from '../../core/verdict.ts';
import { type AuditReport, type AuditScope, auditBlocks, type OnVerdicts } from '../audit-blocks.ts';
import type { RoundSources } from '../growth/round-standing.ts';
import { type AnchoredHead, readAnchor } from '../read-anchor.ts';
import { limitPatience } from './limit-patience.ts';
import { type BucketDeps, readBucket } from './read-bucket.ts';
import { objectsFrom, readLinkedObjects, readPinnedManifests } from './read-ipfs.ts';
import type { OpenRecords } from './verify-dataset.ts';

export interface RetrievalDeps {
  readonly primitives: Primitives;
  readonly ledger: Ledger & LinkReader;
  /** Whoever shows the public records, which prove themselves; a bucket is asked for its own first, unless it is `openRecords`. */
  readonly records: RecordSource;
  /** Where records come from instead of all others. */
  readonly openRecords?: OpenRecords;
  /** Where rounds are read; without it, what is recorded on DISSC counts alone. */
  readonly rounds?: RoundSources;
}

/** Where Protocol II takes the blocks from. */
export type RetrievalSource =
  | { readonly from: 's3'; readonly bucket: BucketDeps['bucket'] }
  | { readonly from: 'get-block'; readonly css: CssN }
  /** `attested` compares CIDs, `retrieved` fetches every block from peers. */
  | { readonly from: 'ipfs'; readonly p2pfs: P2pfs; readonly evidence: 'attested' | 'retrieved' };

export interface RetrievalAudit extends AuditScope {
  readonly dataset: DatasetId;
  readonly datasetKeyOf: DatasetKeyOf;
  /** An auditor's, who has no others: with blocks from a bucket. */
  readonly auditKeyOf?: AuditKeyOf;
}

/**
 * Protocol II over a whole dataset, a range or a random sample of it; `onVerdicts` hears every verdict.
 * @throws ArgumentError for a source that there is not; otherwise as `verifyDataset`
 *
 * @example
 * const deps = { primitives, ledger, records: service, rounds };
 * const audit = { dataset, datasetKeyOf, anchor: 'final' } as const;
 * const report = await verifyRetrievable(deps, { from: 's3', bucket }, audit);
 * console.log(report.ok, report.counts.intact); // true 4
 */
export async function verifyRetrievable(
  deps: RetrievalDeps,
  source: RetrievalSource,
  audit: RetrievalAudit,
  onVerdicts?: OnVerdicts,
  signal?: AbortSignal,
): Promise<AuditReport> {
  const { dataset, datasetKeyOf } = audit;
  const anchored = await readAnchor(deps.ledger, dataset, audit.anchor, audit.fromBlock ?? 0, signal, deps.rounds);
  const { primitives } = deps;
  const { heads, signerOf } = anchored;
  const elsewhere = (await deps.openRecords?.(anchored, signal)) ?? null;
  const keys = audit.auditKeyOf === undefined ? { datasetKeyOf } : { datasetKeyOf, auditKeyOf: audit.auditKeyOf };
  const protocol = { primitives, heads, signerOf, dataset, ...keys, records: elsewhere ?? deps.records };
  const verify = await openSource(deps, source, audit, anchored, protocol, signal);
  const evidence = source.from === 'ipfs' ? source.evidence : 'retrieved';
  return auditBlocks(deps.primitives, anchored, { scope: audit, protocol: 'II', evidence }, verify, onVerdicts);
}

type Verify = (blocks: readonly number[]) => AsyncIterable<Verdict[]>;

async function openSource(
  deps: RetrievalDeps,
  source: RetrievalSource,
  audit: RetrievalAudit,
  anchored: AnchoredHead,
  protocol: ProtocolTwo,
  signal?: AbortSignal,
): Promise<Verify> {
  const { primitives, ledger } = deps;
  const { dataset, datasetKeyOf } = audit;
  switch (source.from) {
    case 's3': {
      const { retrieve, records } = await readBucket({ primitives, bucket: source.bucket }, anchored, signal);
      const withRecords =
        deps.openRecords === undefined ? { ...protocol, records: recordsOrElse(records, deps.records) } : protocol;
      return (blocks) => verifyByRetrieval(withRecords, retrieve, blocks, signal);
    }
    case 'get-block':
      return (blocks) =>
        verifyByRetrieval(protocol, ({ index }) => source.css.getBlock(dataset, index, signal), blocks, signal);
    case 'ipfs': {
      const { p2pfs, evidence } = source;
      const patient = limitPatience(p2pfs);
      const findManifest = await readPinnedManifests({ primitives, p2pfs }, dataset, signal);
      if (evidence === 'attested') return (blocks) => verifyByCid(protocol, patient, findManifest, blocks, signal);
      const span = {
        dataset,
        datasetKeyOf,
        fromBlock: audit.fromBlock ?? 0,
        toBlock: anchored.anchor.point.blockNumber,
      };
      const linked = await readLinkedObjects({ primitives, ledger }, span, signal);
      return (blocks) => verifyFromPeers(protocol, patient, objectsFrom(linked, findManifest), blocks, signal);
    }
    default:
      throw new ArgumentError('Read blocks from s3, get-block or ipfs.');
  }
}

/** The first source's records; those of the second for requests of which the first proves nothing. */
function recordsOrElse(first: RecordSource, second: RecordSource): RecordSource {
  return {
    async getRecords(dataset, blocks, size, signal) {
      const answer = await first.getRecords(dataset, blocks, size, signal);
      return answer.batches.length > 0 ? answer : second.getRecords(dataset, blocks, size, signal);
    },
  };
}
