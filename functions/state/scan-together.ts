import type { ChainPlace } from '../../core/charter/charters-in-force.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { EventScanner, Ledger } from '../../core/ports/ledger.ts';

/** Blocks asked for at a time. */
const BLOCKS = 50_000;

/**
 * The same ledger, for one pass over many datasets: their events are looked through together, once, as far as somebody asks
 * for, instead of once a dataset. Holds every event that it has found, of about 600 bytes each, as long as it lives.
 */
export function scanTogether(ledger: Ledger & EventScanner): Ledger & EventScanner {
  const recorded = createScan((from, to, signal) => ledger.findAllRecorded(from, to, signal));
  const chartered = createScan((from, to, signal) => ledger.findAllChartered(from, to, signal));
  return {
    ...ledger,
    domain: ledger.domain,
    readHeads: (...asked) => ledger.readHeads(...asked),
    readDevices: (...asked) => ledger.readDevices(...asked),
    findRecorded: recorded.findOf,
    findChartered: (query, from, to, signal) =>
      'dataset' in query
        ? chartered.findOf(query.dataset, from, to, signal)
        : ledger.findChartered(query, from, to, signal),
    findAllRecorded: recorded.findAll,
    findAllChartered: chartered.findAll,
  };
}

interface Placed extends ChainPlace {
  readonly dataset: DatasetId;
}

/** Looks through the blocks behind those that it knows, one chunk after the other, whoever asks; what failed is asked for again. */
function createScan<Event extends Placed>(find: (from: number, to: number, signal?: AbortSignal) => Promise<Event[]>) {
  const known = new Map<DatasetId, Event[]>();
  let next: number | null = null;
  let first = 0;
  let last: Promise<void> = Promise.resolve();
  const scan = async (from: number, to: number, signal?: AbortSignal): Promise<void> => {
    if (next === null || from < first) {
      known.clear();
      [first, next] = [from, from];
    }
    while (next <= to) {
      const end = Math.min(to, next + BLOCKS - 1);
      for (const event of await find(next, end, signal)) {
        const own = known.get(event.dataset) ?? [];
        own.push(event);
        known.set(event.dataset, own);
      }
      next = end + 1;
    }
  };
  const scanInTurn = async (from: number, to: number, signal?: AbortSignal): Promise<void> => {
    const turn = last.then(() => scan(from, to, signal));
    last = turn.catch(() => undefined);
    await turn;
  };
  const within = (events: readonly Event[], from: number, to: number): Event[] =>
    events.filter(({ blockNumber }) => blockNumber >= from && blockNumber <= to);
  return {
    async findOf(dataset: DatasetId, from: number, to: number, signal?: AbortSignal): Promise<Event[]> {
      await scanInTurn(from, to, signal);
      return within(known.get(dataset) ?? [], from, to);
    },
    async findAll(from: number, to: number, signal?: AbortSignal): Promise<Event[]> {
      await scanInTurn(from, to, signal);
      const found = [...known.values()].flatMap((own) => within(own, from, to));
      return found.sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
    },
  };
}
