import type { BlockMeta } from '../../core/block/meta.ts';

/** What a person wants to know of damaged blocks: which files and which hours. */
export interface Whereabouts {
  /** Files or topics as the device named them, a few; of lines of a stream none. */
  readonly names: readonly string[];
  readonly moreNames: number;
  /** When they were captured; an end is null where nothing shows it. */
  readonly capturedFromMs: number | null;
  readonly capturedToMs: number | null;
  /** Whether their own recorded metas say so. Else it follows from the verified blocks beside them. */
  readonly isExact: boolean;
}

/** One damaged block, or several alike, with the verified metas nearest to it on either side. */
export interface Damaged {
  readonly about: BlockMeta | null;
  readonly before: BlockMeta | null;
  readonly after: BlockMeta | null;
}

const MOST_NAMES = 3;

/**
 * Of neighbouring damaged blocks, in the order of the log.
 *
 * @example
 * const damaged = { about: { at: 1_000, name: 'door.log' }, before: null, after: null };
 * console.log(whereaboutsOf([damaged]).names.join()); // door.log
 */
export function whereaboutsOf(damaged: readonly Damaged[]): Whereabouts {
  const metas = damaged.flatMap(({ about }) => about ?? []);
  const isExact = metas.length === damaged.length && metas.length > 0;
  const names = [...new Set([...metas.flatMap(({ name }) => name ?? []), ...(isExact ? [] : namesBeside(damaged))])];
  const times = metas.map(({ at }) => at);
  const least = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = times.reduce((a, b) => Math.max(a, b), 0);
  const from = isExact ? least : (damaged[0]?.before?.at ?? null);
  const to = isExact ? most : (damaged.at(-1)?.after?.at ?? null);
  // Times fall where a new stretch begins: then the blocks beside say nothing.
  const isOrdered = from === null || to === null || from <= to;
  return {
    names: names.slice(0, MOST_NAMES),
    moreNames: Math.max(0, names.length - MOST_NAMES),
    capturedFromMs: isOrdered ? from : null,
    capturedToMs: isOrdered ? to : null,
    isExact,
  };
}

/**
 * Of two neighbouring stretches together.
 *
 * @example
 * const [one, other] = ['a.log', 'b.log'].map((name) => whereaboutsOf([{ about: { at: 0, name }, before: null, after: null }]));
 * console.log(joinWhereabouts(one, other).names.join()); // a.log,b.log
 */
export function joinWhereabouts(one: Whereabouts, other: Whereabouts): Whereabouts {
  const names = [...new Set([...one.names, ...other.names])];
  return {
    names: names.slice(0, MOST_NAMES),
    moreNames: one.moreNames + other.moreNames + Math.max(0, names.length - MOST_NAMES),
    capturedFromMs: one.capturedFromMs,
    capturedToMs: other.capturedToMs,
    isExact: one.isExact && other.isExact,
  };
}

/** The file that was not at its end before, or is not at its beginning behind. */
function namesBeside(damaged: readonly Damaged[]): string[] {
  const before = damaged[0]?.before ?? null;
  const after = damaged.at(-1)?.after ?? null;
  const unfinished = before?.parts !== undefined && (before.part ?? 0) < before.parts - 1 ? before.name : undefined;
  const begun = (after?.part ?? 0) > 0 || (after?.from ?? 0) > 0 ? after?.name : undefined;
  return [unfinished, begun].filter((name) => name !== undefined);
}
