import { equalBytes, to0x } from '../../core/bytes.ts';
import { ChainAnswerError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { ChainPoint } from '../../core/ports/ledger.ts';
import type { RoundEvent } from '../../core/ports/rounds.ts';
import { rebuildRounds } from '../../core/rounds/rebuild-rounds.ts';
import type { ServicePorts, TableReader } from '../ports.ts';
import { deleteRange } from '../state/delete-range.ts';
import {
  type ChainRound,
  FINAL_RANGE,
  finalSk,
  itemOfRound,
  knownSk,
  parseChainRound,
  parsePrepared,
  preparedRange,
  preparedSk,
  roundsPk,
} from './round-items.ts';

export type FollowRoundsPorts = Pick<ServicePorts, 'primitives' | 'table' | 'rounds'> & {
  readonly observer: Pick<ServicePorts['observer'], 'info' | 'error' | 'count'>;
};

/** Where an anchorer's rounds have come to. */
export interface RoundsOnChain {
  /** The newest on the latest chain; null before the first. */
  readonly newest: ChainRound | null;
  /** The newest final one that is noted. */
  readonly final: ChainRound | null;
  /** The blocks that were asked. */
  readonly points: { readonly latest: ChainPoint; readonly final: ChainPoint };
}

/**
 * Reads the rounds that the chain has and the table does not, and notes those that are final, in one scan of events from the
 * newest noted one on; no scan at all while nothing has come. Number and history are the chain's; the map is that of the
 * prepared round with this body.
 * @param fromBlock no event of DISSC is in an earlier block
 * @throws LedgerUnavailableError
 * @throws ChainAnswerError when the node leaves a round out: another node, or this one later, may have it
 */
export async function followRounds(
  ports: FollowRoundsPorts,
  account: Address,
  fromBlock: number,
  signal?: AbortSignal,
): Promise<RoundsOnChain> {
  const { rounds } = ports;
  const final = await readNewestFinal(ports, account, signal);
  // The final one first: what the other says is of the same chain or a longer one.
  const atFinal = await rounds.readRound(account, 'final', signal);
  const latest = await rounds.readRound(account, 'latest', signal);
  const points = { latest: latest.point, final: atFinal.point };
  if (latest.round === null) return { newest: null, final, points };
  if (final !== null && equalBytes(latest.round, final.root)) return { newest: final, final, points };

  const from = final === null ? fromBlock : final.blockNumber;
  const events = await rounds.findRounds(account, from, latest.point.blockNumber, signal);
  const known = final === null ? -1 : events.findIndex(({ round }) => equalBytes(round, final.root));
  const since = events.slice(known + 1);
  let newest = final;
  let noted = final;
  for (const [i, round] of (await roundsOf(ports, account, since, final, signal)).entries()) {
    newest = round;
    if (round.blockNumber > atFinal.point.blockNumber) continue;
    await noteFinal(ports, account, round, since[i] as RoundEvent, signal);
    noted = round;
  }
  if (newest === null || !equalBytes(newest.root, latest.round)) {
    throw new ChainAnswerError('The node’s events of rounds do not lead to its round. One may be missing.');
  }
  return { newest, final: noted, points };
}

/** The newest final round that is noted, or null. */
export async function readNewestFinal(
  { table }: { readonly table: TableReader },
  account: Address,
  signal?: AbortSignal,
): Promise<ChainRound | null> {
  const range = { ...FINAL_RANGE, limit: 1, reverse: true };
  const [item = null] = (await table.query(roundsPk(account), range, signal)).items;
  return parseChainRound(item);
}

function lastOf(round: ChainRound | null) {
  return round === null ? null : { number: round.number, root: round.root, history: round.history };
}

/** The rounds of these events, each with the map of the prepared one that has its body. */
async function roundsOf(
  { primitives, table }: FollowRoundsPorts,
  account: Address,
  events: readonly RoundEvent[],
  final: ChainRound | null,
  signal?: AbortSignal,
): Promise<ChainRound[]> {
  const known = [...rebuildRounds(primitives, events, lastOf(final))];
  const keys = known.map(({ number }, i) => ({
    pk: roundsPk(account),
    sk: preparedSk(number, (events[i] as RoundEvent).body),
  }));
  const items = await table.getMany(keys, signal);
  return known.map(({ number, root, history, historyRoot }, i) => {
    const { previous, timeSeconds, blockNumber, txHash } = events[i] as RoundEvent;
    const map = parsePrepared(items[i] ?? null)?.map ?? null;
    return { number, root, previous, map, history, historyRoot, timeSeconds, blockNumber, txHash };
  });
}

/** First what is final, then what that makes superfluous: a crash in between leaves something to be swept, never a hole. */
async function noteFinal(
  ports: FollowRoundsPorts,
  account: Address,
  round: ChainRound,
  { body }: RoundEvent,
  signal?: AbortSignal,
): Promise<void> {
  const { table, observer } = ports;
  const pk = roundsPk(account);
  await table.putMany(
    [
      { pk, sk: knownSk(round.root), number: round.number },
      { pk, sk: finalSk(round.number), ...itemOfRound(round) },
    ],
    signal,
  );
  await deleteRange(table, pk, preparedRange(round.number), signal);
  const { number, blockNumber, txHash } = round;
  if (round.map === null) observer.error('a round is final, but its map is unknown', { number, body: to0x(body) });
  else observer.info('round final', { number, block: blockNumber, hash: txHash });
  observer.count('Anchor.roundsFinal');
}
