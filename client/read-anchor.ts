import { to0x } from '../core/bytes.ts';
import { type CharterHistory, charterHistory, chartersBySerial } from '../core/charter/charters-in-force.ts';
import { NotRecordedError } from '../core/errors.ts';
import type { BlockIndex, DatasetId } from '../core/ids.ts';
import type { Head } from '../core/log/head.ts';
import type { Anchor, ChainPoint, Ledger, RecordedEvent } from '../core/ports/ledger.ts';
import { type RecordedHeads, recordedHeads } from '../core/protocols/recorded-heads.ts';
import { type SignerOf, signersFrom } from '../core/protocols/signers.ts';
import type { AuditedLog } from './audit-blocks.ts';
import { disownedBlocks } from './disowned-blocks.ts';
import { type GrowthReport, NO_GROWTH_REPORT } from './growth/growth-report.ts';
import type { ReadRound, RoundSources, RoundStanding } from './growth/round-standing.ts';
import { readRound } from './read-round.ts';

/** What chain and rounds say of a log: what every verdict of an audit is measured against. */
export interface AnchoredHead extends AuditedLog {
  /** Blocks up to which DISSC has it; what lies behind is anchored in a round. */
  readonly recordedSize: number;
  /** What the anchorer's newest round says; null where none counts, or none was asked for. */
  readonly standing: RoundStanding | null;
  /** Why no round counts, where one ought to. */
  readonly said: string | null;
  /** How it has grown since it was seen last. */
  readonly growth: GrowthReport;
  /** The head and all that were recorded before it: behind one that nobody can prove, blocks are proven under those. */
  readonly heads: RecordedHeads;
  readonly signerOf: SignerOf;
  /** Accepted updates, and the head in the round behind them, as if it were one. */
  readonly recorded: readonly RecordedEvent[];
  /** The charters on the chain up to the anchor; where a round was asked for, the first one, too. */
  readonly charters: CharterHistory;
}

/**
 * Reads a dataset's head from DISSC, and from its events who recorded what under which charters; with `rounds`, what its
 * anchorer's newest round says, too, which may go further.
 * @throws NotRecordedError when nothing of it is recorded or anchored there
 * @throws LedgerUnavailableError when the chain cannot be read
 * @throws ProofError as `readRound`
 *
 * @example
 * const { head, recordedSize, signerOf } = await readAnchor(ledger, dataset, 'final', fromBlock);
 * console.log(head.size, recordedSize, signerOf(0) === charters[0].device); // 4 4 true
 */
export async function readAnchor(
  ledger: Ledger,
  dataset: DatasetId,
  anchor: Anchor,
  fromBlock: number,
  signal?: AbortSignal,
  rounds: RoundSources | null = null,
): Promise<AnchoredHead> {
  const { point, onDissc, updates, round } = await readLog(ledger, dataset, anchor, fromBlock, signal, rounds);
  const { charters, standing, said, event, growth } = round;
  if (onDissc.size === 0 && event === null) {
    const faults = growth.faults.map(({ reason }) => reason);
    throw nothingRecorded(dataset, anchor, point, [...(said === null ? [] : [said]), ...faults].join(' ') || null);
  }
  const recorded = updates.concat(event ?? []);
  const head = event === null ? onDissc : { dataset, size: event.size, root: event.root };
  return {
    head,
    ...{ recordedSize: onDissc.size, standing, said, growth },
    heads: recordedHeads(head, recorded),
    anchor: { anchor, point, size: head.size, root: to0x(head.root) },
    signerOf: signerIn(charters, recorded, onDissc.size),
    recorded,
    charters,
    disowned: disownedBlocks(charters, recorded),
  };
}

/** What DISSC has of a dataset, and what its anchorer's newest round says of it. */
export interface ReadLog {
  readonly point: ChainPoint;
  readonly onDissc: Head;
  /** Those that DISSC has accepted, the smallest first. */
  readonly updates: readonly RecordedEvent[];
  readonly round: ReadRound;
}

/**
 * Reads what chain and rounds have of a log, compares it with what was seen earlier, and keeps what is to be remembered. Also of
 * a dataset of which nothing is there any more.
 * @throws NotRecordedError when DISSC has nothing and no rounds are asked; others as `readAnchor`
 *
 * @example
 * const { onDissc, updates } = await readLog(ledger, dataset, 'final', fromBlock);
 * console.log(onDissc.size, updates.at(-1)?.size); // 4 4
 */
export async function readLog(
  ledger: Ledger,
  dataset: DatasetId,
  anchor: Anchor,
  fromBlock: number,
  signal?: AbortSignal,
  rounds: RoundSources | null = null,
): Promise<ReadLog> {
  const { point, heads } = await ledger.readHeads([dataset], anchor, signal);
  const onDissc = heads[0] as Head;
  if (onDissc.size === 0 && rounds === null) throw nothingRecorded(dataset, anchor, point, null);
  const [events, chartered] = await Promise.all([
    onDissc.size === 0 ? [] : ledger.findRecorded(dataset, fromBlock, point.blockNumber, signal),
    ledger.findChartered({ dataset }, fromBlock, point.blockNumber, signal),
  ]);
  const onChain = charterHistory([], chartered);
  const updates = events.toSorted((a, b) => a.size - b.size);
  const round: ReadRound =
    rounds === null
      ? { charters: onChain, standing: null, said: null, event: null, growth: NO_GROWTH_REPORT, remember: null }
      : await readRound(rounds, ledger, { recorded: onDissc, updates, point, anchor, charters: onChain }, signal);
  if (round.remember !== null) rounds?.memory?.keepHeads([[dataset, round.remember]]);
  return { point, onDissc, updates, round };
}

/** Of what a round alone covers, one head is known, the newest: what an earlier device has written it does not tell. */
function signerIn(charters: CharterHistory, recorded: readonly RecordedEvent[], recordedSize: number): SignerOf {
  const signerOf = signersFrom(recorded);
  const bySerial = chartersBySerial(charters);
  return (index) => {
    const signer = signerOf(index);
    if (signer === null || index < recordedSize) return signer;
    const from = bySerial.find(({ device }) => device === signer)?.from ?? 0;
    return index < from ? null : signer;
  };
}

function nothingRecorded(dataset: DatasetId, anchor: Anchor, point: ChainPoint, said: string | null): NotRecordedError {
  const hint = anchor === 'final' ? ' Wait for a final block, or use the latest block: --anchor latest.' : '';
  return new NotRecordedError(
    `Nothing of dataset ${dataset} is recorded at the ${anchor} block ${point.blockNumber}.${said === null ? '' : ` ${said}`}${hint}`,
  );
}

/**
 * Which accepted update brought a block onto the chain; null when the chain's log does not say.
 *
 * @example
 * const log = await readAnchor(ledger, dataset, 'final', fromBlock);
 * console.log(updateOf(log, 0)?.blockNumber, updateOf(log, 99));
 */
export function updateOf({ recorded }: Pick<AnchoredHead, 'recorded'>, index: BlockIndex): RecordedEvent | null {
  return recorded.find(({ size }) => size > index) ?? null;
}
