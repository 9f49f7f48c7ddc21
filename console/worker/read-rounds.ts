import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { anchorerOf } from '../../core/charter/charter.ts';
import { type Address, address } from '../../core/ids.ts';
import { rebuildRounds } from '../../core/rounds/rebuild-rounds.ts';
import type { Rounds } from '../engine/questions.ts';
import type { Engine } from './open-engine.ts';
import type { ReaderKeys } from './reader-keys.ts';

const MOST_ROUNDS = 500;

/** The rounds of the anchorer that the reader's datasets name, else of the service's, by the chain alone. */
export async function readRounds(engine: Engine, keys: ReaderKeys, signal: AbortSignal): Promise<Rounds> {
  const anchorer = anchorerFor(engine, keys);
  if (anchorer === null) return { anchorer: null, rounds: [], count: 0, isLate: false };
  const { reader, file, ledger } = engine;
  const [{ point: latest }, { point: final }] = await Promise.all([
    ledger.readHeads([], 'latest', signal),
    ledger.readHeads([], 'final', signal),
  ]);
  const events = await reader.findRounds(anchorer, file.fromBlock, latest.blockNumber, signal);
  const numbered = [...rebuildRounds(portablePrimitives, events, null)];
  const rows = events.map((event, i) => ({
    number: numbered[i]?.number ?? i + 1,
    timeMs: event.timeSeconds * 1000,
    blockNumber: event.blockNumber,
    txHash: event.txHash,
    isFinal: event.blockNumber <= final.blockNumber,
  }));
  const newest = rows.at(-1);
  return {
    anchorer,
    rounds: rows.slice(-MOST_ROUNDS).reverse(),
    count: rows.length,
    isLate: newest !== undefined && latest.timestampMs - newest.timeMs > file.roundLimitMs,
  };
}

function anchorerFor({ file }: Engine, keys: ReaderKeys): Address | null {
  for (const charters of keys.charters.values()) {
    const newest = charters.at(-1);
    const named = newest === undefined ? null : anchorerOf(newest);
    if (named !== null) return named;
  }
  return file.anchorer === null ? null : address(file.anchorer);
}
