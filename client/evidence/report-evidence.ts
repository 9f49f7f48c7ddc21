import { to0x } from '../../core/bytes.ts';
import type { DataFinding } from '../../core/evidence/check-data.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import { type TimestampFinding, UNREAD_TIMESTAMP } from '../../core/evidence/timestamp.ts';
import type { EvidenceFinding } from '../../core/evidence/verify-evidence.ts';
import type { Address, BlockIndex, DatasetId } from '../../core/ids.ts';
import { EVIDENCE_PROVES, type Evidence } from '../../core/verdict.ts';
import type { BlockRange } from '../disowned-blocks.ts';
import { utcText } from '../utc-text.ts';
import { type ChainFact, chainFacts } from './chain-facts.ts';

/** A file that is compared with evidence. */
export interface ComparedData {
  /** Its name, as the reader knows it. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly finding: DataFinding;
}

/**
 * The result of checking evidence: `intact`; `corrupted`, a file is not what is proven; `unproven`, the evidence does not hold by
 * itself; `contradicted`, the chain says otherwise; `unconfirmed`, the chain was asked and could not tell, or a time-stamp leads to no
 * root that the reader trusts.
 */
export type EvidenceVerdict = 'intact' | 'corrupted' | 'unproven' | 'contradicted' | 'unconfirmed';

export interface EvidenceReport {
  readonly verdict: EvidenceVerdict;
  /** Why it is not intact. */
  readonly reason: string | null;
  readonly strength: Evidence;
  readonly proves: string;
  /** The round that holds it, or null. */
  readonly anchored: { readonly anchorer: Address; readonly number: number; readonly blockNumber: number } | null;
  /** The chain block in which DISSC took it, or null. */
  readonly recorded: { readonly transaction: string; readonly blockNumber: number } | null;
  /** ISO 8601; null where nothing bounds it. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly chainId: number;
  readonly contract: Address;
  readonly owner: Address;
  readonly signer: Address | null;
  readonly dataset: DatasetId;
  readonly name: string;
  readonly files: readonly string[];
  readonly blocks: readonly BlockRange[];
  readonly count: number;
  readonly sizeBytes: number;
  /** A period (ISO 8601) for which these are proven to be all blocks of this log; null if the evidence does not claim one. */
  readonly wholeTime: {
    readonly from: string;
    readonly to: string;
    readonly logBlocks: number;
    readonly clockSetBackAt: readonly BlockIndex[];
  } | null;
  readonly disowned: readonly BlockRange[];
  /** Objects in the owner's own storage that hold the bytes of an attached dataset. */
  readonly objects: readonly { readonly key: string; readonly versionId: string | null }[];
  readonly data: readonly ComparedData[];
  readonly restsOn: readonly ChainFact[];
  /**
   * About the file's time-stamp token; null if it has none. Times are ISO 8601. Nobody is asked whether a certificate was revoked,
   * because the question would tell a third party what is verified here.
   */
  readonly timestamp:
    | (Omit<TimestampFinding, 'atMs'> & { readonly at: string | null; readonly revocation: 'not asked' })
    | null;
}

/**
 * Combines what evidence, files and chain say.
 * @param facts what the chain said; null where none was asked
 * @param stamped what came of a time-stamp token, where this program reads tokens
 *
 * @example
 * import { verifyEvidence } from 'plumbline/core/evidence/verify-evidence';
 * const finding = verifyEvidence(primitives, evidence, evidence.domain);
 * const { verdict, strength } = reportEvidence(evidence, finding, [], null);
 * console.log(verdict, strength); // intact attested
 */
export function reportEvidence(
  evidence: EvidenceFile,
  finding: EvidenceFinding,
  data: readonly ComparedData[],
  facts: readonly ChainFact[] | null,
  stamped: TimestampFinding = UNREAD_TIMESTAMP,
): EvidenceReport {
  const { record, round, range, head } = evidence;
  const hashed = new Set([
    ...finding.hashed,
    ...data.flatMap(({ finding: { is, ...rest } }) => (is === 'intact' && 'blocks' in rest ? rest.blocks : [])),
  ]);
  const strength =
    finding.blocks.length > 0 && finding.blocks.every((index) => hashed.has(index)) ? 'retrieved' : 'attested';
  const restsOn = facts ?? chainFacts(evidence, finding);
  const timestamp = evidence.timestamp === null ? null : stamped;
  const at = record ?? round;
  const names = new Set(finding.metas.flatMap(({ meta }) => meta.name ?? []));
  const objects = new Map(
    evidence.blocks.flatMap(({ object }) =>
      object === null
        ? []
        : [[`${object.key}\0${object.versionId}`, { key: object.key, versionId: object.versionId }] as const],
    ),
  );
  return {
    ...verdictOf(finding, data, restsOn, timestamp),
    strength,
    proves: strength === 'attested' ? attestedText(finding, hashed, data) : EVIDENCE_PROVES[strength],
    anchored:
      round === null ? null : { anchorer: round.anchorer, number: round.number, blockNumber: round.blockNumber },
    recorded: record === null ? null : { transaction: to0x(record.txHash), blockNumber: record.blockNumber },
    notBefore: finding.notBefore === null ? null : utcText(1000 * finding.notBefore.timeSeconds),
    notAfter: at === null ? null : utcText(1000 * at.timeSeconds),
    chainId: evidence.domain.chainId,
    contract: evidence.domain.dissc,
    owner: finding.owner,
    signer: finding.signer,
    dataset: evidence.dataset,
    name: finding.name,
    files: [...names],
    blocks: rangesOf(finding.blocks),
    count: finding.blocks.length,
    sizeBytes: finding.sizeBytes,
    wholeTime:
      range === null || !finding.holds
        ? null
        : { from: utcText(range.from), to: utcText(range.to), logBlocks: head.size, clockSetBackAt: finding.setBack },
    disowned: rangesOf(finding.disowned),
    objects: [...objects.values()],
    data,
    restsOn,
    timestamp: timestamp === null ? null : datedText(timestamp),
  };
}

function verdictOf(
  finding: EvidenceFinding,
  data: readonly ComparedData[],
  facts: readonly ChainFact[],
  timestamp: TimestampFinding | null,
): Pick<EvidenceReport, 'verdict' | 'reason'> {
  if (!finding.holds) return { verdict: 'unproven', reason: finding.reason };
  const contradicted = facts.find(({ holds }) => holds === false);
  if (contradicted !== undefined) return { verdict: 'contradicted', reason: contradicted.reason };
  const others = data.filter(({ finding: { is } }) => is !== 'intact');
  if (others.length > 0) return { verdict: 'corrupted', reason: differencesText(others, data.length) };
  if (timestamp?.holds === false) return { verdict: 'unconfirmed', reason: timestamp.reason };
  const silent = facts.find(({ holds, reason }) => holds === null && reason !== null);
  return silent === undefined ? { verdict: 'intact', reason: null } : { verdict: 'unconfirmed', reason: silent.reason };
}

function datedText({ atMs, ...rest }: TimestampFinding): EvidenceReport['timestamp'] {
  return { ...rest, at: atMs === null ? null : utcText(atMs), revocation: 'not asked' };
}

/** What is proven where not every block was hashed here. */
function attestedText(
  { blocks }: EvidenceFinding,
  hashed: ReadonlySet<BlockIndex>,
  data: readonly ComparedData[],
): string {
  const count = blocks.filter((index) => hashed.has(index)).length;
  if (count > 0) {
    return `${count} of ${blocks.length} blocks were hashed here and are the recorded ones; of the others only the hashes are known, which are the recorded ones`;
  }
  return data.length > 0
    ? 'these hashes are the recorded ones; the data given here is other data'
    : 'these hashes are the recorded ones; nothing was hashed here';
}

const MOST_SIZES = 4;
const MOST_DIFFERENT = 5;

function differencesText(others: readonly ComparedData[], count: number): string {
  const more = others.length > MOST_DIFFERENT ? ` So are ${others.length - MOST_DIFFERENT} more.` : '';
  const intact =
    count === others.length ? '' : ` The other ${count - others.length === 1 ? 'file is' : 'files are'} intact.`;
  return `${others.slice(0, MOST_DIFFERENT).map(differenceText).join(' ')}${more}${intact}`;
}

function differenceText({ name, sizeBytes, finding }: ComparedData): string {
  switch (finding.is) {
    case 'intact':
      return `${name} is intact.`;
    case 'different': {
      const [first] = finding.differing;
      const [count, all] = [finding.differing.length, finding.blocks.length];
      const which = `block ${first?.index}, bytes ${first?.offset} to ${(first?.offset ?? 0) + Math.max((first?.sizeBytes ?? 0) - 1, 0)}`;
      const differ =
        all === 1
          ? `Its one block differs: ${which}`
          : count === 1
            ? `1 of ${all} blocks differs: ${which}`
            : `${count} of ${all} blocks differ; the first is ${which}`;
      return `${name} is not the recorded data. ${differ}.`;
    }
    default: {
      const sizes = finding.sizes.slice(0, MOST_SIZES).join(', ');
      const more = finding.sizes.length > MOST_SIZES ? ` and ${finding.sizes.length - MOST_SIZES} more` : '';
      const keys = finding.needsKeys
        ? ' The evidence has no content keys, so it can only be compared with the stored (encrypted) bytes. Its maker can add the keys with --open.'
        : '';
      return `${name} has ${sizeBytes} bytes; the proven data has ${sizes}${more} bytes.${keys}`;
    }
  }
}

function rangesOf(blocks: readonly BlockIndex[]): BlockRange[] {
  const ranges: { from: BlockIndex; to: BlockIndex }[] = [];
  for (const index of blocks) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to === index - 1) last.to = index;
    else ranges.push({ from: index, to: index });
  }
  return ranges;
}
