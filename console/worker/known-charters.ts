import type { EventScanner, Ledger } from '../../core/ports/ledger.ts';

type Charters = Awaited<ReturnType<EventScanner['findAllChartered']>>;

/** What was found up to a final chain block. */
interface Found {
  readonly upTo: number;
  readonly charters: Charters;
}

/**
 * A ledger whose charters are asked for once: what stands in final blocks stays, and only what came after is asked for again.
 * Each look at some of ten thousand datasets would else fetch the charters of all.
 */
export function withKnownCharters<L extends Pick<Ledger, 'readHeads' | 'findChartered'> & EventScanner>(ledger: L): L {
  const known = new Map<string, Promise<Found>>();

  async function find(
    name: string,
    ask: (fromBlock: number, toBlock: number) => Promise<Charters>,
    fromBlock: number,
    toBlock: number,
    signal?: AbortSignal,
  ): Promise<Charters> {
    const key = `${name} ${fromBlock}`;
    const before = await (known.get(key) ?? Promise.resolve({ upTo: fromBlock - 1, charters: [] })).catch(() => ({
      ...{ upTo: fromBlock - 1, charters: [] as Charters },
    }));
    if (toBlock <= before.upTo) return before.charters.filter(({ blockNumber }) => blockNumber <= toBlock);
    const asking = Promise.all([ask(before.upTo + 1, toBlock), ledger.readHeads([], 'final', signal)]);
    const grown = asking.then(([since, { point }]): Found => {
      const upTo = Math.max(before.upTo, Math.min(toBlock, point.blockNumber));
      return { upTo, charters: [...before.charters, ...since.filter(({ blockNumber }) => blockNumber <= upTo)] };
    });
    // Whoever asks meanwhile waits for the same answer.
    known.set(key, grown);
    grown.catch(() => {
      if (known.get(key) === grown) known.set(key, Promise.resolve(before));
    });
    const [since] = await asking;
    return [...before.charters, ...since];
  }

  return {
    ...ledger,
    findChartered(query, fromBlock, toBlock, signal) {
      if ('dataset' in query) return ledger.findChartered(query, fromBlock, toBlock, signal);
      const ask = (from: number, to: number) => ledger.findChartered(query, from, to, signal);
      return find(query.owner, ask, fromBlock, toBlock, signal);
    },
    findAllChartered: (fromBlock, toBlock, signal) =>
      find('all', (from, to) => ledger.findAllChartered(from, to, signal), fromBlock, toBlock, signal),
  };
}
