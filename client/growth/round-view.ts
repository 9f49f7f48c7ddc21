import { equalBytes } from '../../core/bytes.ts';
import { ChainAnswerError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { rootOfPeaks } from '../../core/log/peaks.ts';
import type { HeadMemory, SeenAnchorer } from '../../core/ports/head-memory.ts';
import type { Anchor, ChainPoint } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { RoundReader, RoundScanner } from '../../core/ports/rounds.ts';
import { type KnownRound, rebuildRounds } from '../../core/rounds/rebuild-rounds.ts';

/** The newest round of an anchorer at a chain point, by the chain alone. */
export interface NewestRound {
  readonly point: ChainPoint;
  /** With the number and the history that it has by DISSC's events; null before the first. */
  readonly round: KnownRound | null;
  /** True where the chain does not have the round any more that was seen earlier. */
  readonly isForgotten: boolean;
}

/** An anchorer's rounds on the chain, each asked for once, however many datasets stand in them. */
export interface RoundView {
  newest(anchorer: Address, anchor: Anchor, signal?: AbortSignal): Promise<NewestRound>;
  /** As RoundReader's. */
  findBlock: RoundReader['findBlock'];
}

export interface RoundViewParts {
  readonly hasher: Pick<Primitives, 'sha256'>;
  readonly reader: RoundReader & RoundScanner;
  /** No event of DISSC is in an earlier block. */
  readonly fromBlock: number;
  readonly memory: HeadMemory | null;
}

/**
 * The chain's rounds for the time of one command: what was asked once holds to its end.
 *
 * @example
 * import { createDisscRounds } from 'plumbline/adapters/ethereum/dissc-rounds';
 * const reader = createDisscRounds(connection);
 * const view = createRoundView({ hasher: primitives, reader, fromBlock, memory: null });
 * console.log((await view.newest(operator, 'final')).isForgotten); // false
 */
export function createRoundView(parts: RoundViewParts): RoundView {
  const newest = new Map<string, Promise<NewestRound>>();
  const blocks = new Map<string, Promise<number | null>>();
  return {
    newest: (anchorer, anchor, signal) =>
      once(newest, `${anchorer} ${anchor}`, () => readNewest(parts, anchorer, anchor, signal)),
    findBlock: (round, signal) =>
      once(blocks, `${round.anchorer} ${round.root.join()} ${round.txHash}`, () =>
        parts.reader.findBlock(round, signal),
      ),
  };
}

/** A question that failed is asked again. */
function once<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const asked = known.get(key) ?? ask();
  known.set(key, asked);
  asked.catch(() => known.delete(key));
  return asked;
}

/**
 * Follows the anchorer's events from the round that was seen last, or from the beginning, to the one that DISSC keeps: number
 * and history are theirs, whatever its body claims. No event is asked for while nothing has come.
 */
async function readNewest(
  { hasher, reader, fromBlock, memory }: RoundViewParts,
  anchorer: Address,
  anchor: Anchor,
  signal?: AbortSignal,
): Promise<NewestRound> {
  const { point, round: root } = await reader.readRound(anchorer, anchor, signal);
  const kept = memory?.readAnchorer(anchorer) ?? null;
  // A node that is behind does not have it yet.
  const seen = kept === null || point.blockNumber < kept.blockNumber ? null : kept;
  if (root === null) return { point, round: null, isForgotten: seen !== null };
  const follow = async (last: SeenAnchorer | null): Promise<SeenAnchorer | null> => {
    if (last !== null && equalBytes(last.root, root)) return last;
    const from = last?.blockNumber ?? fromBlock;
    const marks = await reader.findAnchored(anchorer, from, point.blockNumber, signal);
    const known = last === null ? -1 : marks.findIndex(({ round }) => equalBytes(round, last.root));
    if (last !== null && known === -1) return null;
    const since = marks.slice(known + 1);
    let newest: SeenAnchorer | null = last;
    for (const [i, round] of [...rebuildRounds(hasher, since, last)].entries()) {
      newest = { ...round, blockNumber: since[i]?.blockNumber ?? from };
    }
    if (newest !== null && equalBytes(newest.root, root)) return newest;
    throw new ChainAnswerError(
      `The node's events do not lead to the newest round of ${anchorer}; one may be missing. Ask another node.`,
    );
  };
  const followed = seen === null ? null : await follow(seen);
  const isForgotten = seen !== null && followed === null;
  const newest = followed ?? (await follow(null));
  if (newest === null) return { point, round: null, isForgotten };
  if (anchor === 'final' && !isForgotten) memory?.keepAnchorer(anchorer, newest);
  const { number, history } = newest;
  return { point, round: { number, root, history, historyRoot: rootOfPeaks(hasher, history) }, isForgotten };
}
