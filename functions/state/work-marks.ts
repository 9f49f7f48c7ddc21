import type { DatasetId } from '../../core/ids.ts';
import type { ItemKey, Table } from '../../core/ports/table.ts';
import { LATER_PK, WORK_PKS, workPk } from './entries.ts';
import { type HeadMark, readHeadMark } from './head-mark.ts';
import { queryPages } from './query-pages.ts';

/* Marks: what the anchor is to look at (entries.ts has their keys). */

const MOST_LATER = 200;
const PAGE = 1_000;

/** All that marks one dataset. */
export interface Mark {
  readonly dataset: DatasetId;
  /** Version of the mark that asks for a look at all of it; null where there is none. */
  readonly look: number | null;
  /** Heads that its log has, the shortest first. */
  readonly heads: readonly HeadMark[];
  /** Keys of what is to be taken away with them: those of damaged ones, too. */
  readonly keys: readonly ItemKey[];
}

/** Tells the anchor that this dataset's log may be ahead of the chain. Each call changes the item's version. */
export async function markWork(
  table: Table,
  dataset: DatasetId,
  signal?: AbortSignal,
  memory?: VersionMemory,
): Promise<void> {
  const item = { pk: workPk(dataset), sk: dataset };
  const version = memory?.get(dataset);
  // One request instead of two, where nobody has touched it since.
  if (version !== undefined && (await table.put(item, { version }, signal))) {
    memory?.set(dataset, version + 1);
  } else if (await table.put(item, 'absent', signal)) {
    memory?.set(dataset, 1);
  } else {
    memory?.delete(dataset);
    await table.put(item, 'any', signal);
  }
}

/** What a handler may remember of the marks that it has made. */
interface VersionMemory {
  get(dataset: DatasetId): number | undefined;
  set(dataset: DatasetId, version: number): void;
  delete(dataset: DatasetId): void;
}

/**
 * Marks in pages of about a thousand, those of one dataset together. Begins at a random partition, so that none waits behind
 * the others when a run's time is too short for all.
 * @param random at least 0, below 1
 */
export async function* readMarks(
  table: Pick<Table, 'query'>,
  hasher: Parameters<typeof readHeadMark>[0],
  random: number,
  signal?: AbortSignal,
): AsyncGenerator<Mark[]> {
  const start = Math.floor(random * WORK_PKS.length);
  const pks = [...WORK_PKS.slice(start), ...WORK_PKS.slice(0, start)];
  // Most are empty, most of the time.
  const firsts = await Promise.all(pks.map((pk) => table.query(pk, { from: '0x', to: '0xg', limit: PAGE }, signal)));
  for (const [i, pk] of pks.entries()) {
    let kept: Gathered | null = null as Gathered | null;
    for await (const items of pagesFrom(table, pk, firsts[i] as FirstPage, signal)) {
      const marks: Mark[] = [];
      for (const item of items) {
        const dataset = item.sk.slice(0, 66) as DatasetId;
        if (kept?.dataset !== dataset) {
          if (kept !== null) marks.push(kept);
          kept = { dataset, look: null, heads: [], keys: [] };
        }
        if (item.sk === dataset) {
          kept.look = item.version;
          continue;
        }
        kept.keys.push({ pk, sk: item.sk });
        const head = readHeadMark(hasher, dataset, item);
        if (head !== null) kept.heads.push(head);
      }
      if (marks.length > 0) yield marks;
    }
    if (kept !== null) yield [kept];
  }
}

type FirstPage = Awaited<ReturnType<Table['query']>>;

async function* pagesFrom(
  table: Pick<Table, 'query'>,
  pk: string,
  { items, next }: FirstPage,
  signal?: AbortSignal,
): AsyncGenerator<FirstPage['items']> {
  yield items;
  if (next !== null) yield* queryPages(table, pk, { from: next, to: '0xg', page: PAGE }, signal);
}

type Gathered = { -readonly [Key in keyof Mark]: Mark[Key] extends readonly (infer T)[] ? T[] : Mark[Key] };

/** Takes marks away: that for a look only as it was read, as whoever made it again since has seen something new. */
export async function forgetMark(table: Table, { dataset, look, keys }: Mark, signal?: AbortSignal): Promise<void> {
  if (look !== null) await table.delete(workPk(dataset), dataset, { version: look }, signal);
  if (keys.length > 0) await table.deleteMany(keys, signal);
}

/** Has these datasets looked at from a time on. */
export async function markLater(
  table: Pick<Table, 'putMany'>,
  datasets: readonly DatasetId[],
  fromMs: number,
  signal?: AbortSignal,
): Promise<void> {
  await table.putMany(
    datasets.map((dataset) => ({ pk: LATER_PK, sk: `${laterSk(fromMs)}#${dataset}` })),
    signal,
  );
}

/** Those whose time has come, some of them: marked as any other, and no longer for later. */
export async function markDue(table: Table, nowMs: number, signal?: AbortSignal): Promise<void> {
  const { items } = await table.query(LATER_PK, { from: '0', to: laterSk(nowMs), limit: MOST_LATER }, signal);
  for (const { sk } of items) await markWork(table, sk.slice(17) as DatasetId, signal);
  await table.deleteMany(
    items.map(({ sk }) => ({ pk: LATER_PK, sk })),
    signal,
  );
}

const laterSk = (ms: number): string => String(ms).padStart(16, '0');
