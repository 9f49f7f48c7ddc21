import { PlumblineError } from '../../../core/errors.ts';
import { gapOf, type Restored } from '../device/writing.ts';
import { getAll, type Judged, verifyAll } from '../owner/judge-log.ts';
import type { World } from '../world/build-world.ts';
import { checkContents, checkRot, rotStored } from './check-rot.ts';
import { describeStatus, isAllChecked } from './check-status.ts';

const PATIENCE_MS = 10 * 60_000;
const LOOK_MS = 5 * 60_000;

/** What the owner's two verifiers say; in words where one came to no answer. */
export interface Judgement {
  readonly got: readonly Judged[] | string;
  readonly verified: readonly Judged[] | string;
}

/**
 * Compares what the owner's verifiers say in the end, and said before, with what was written. The service may take its time
 * to mend itself, but not longer than until `boundMs`.
 */
export async function checkEnd(
  world: World,
  { before, boundMs }: { readonly before: readonly Judgement[]; readonly boundMs: number },
  fail: (what: string) => void,
): Promise<void> {
  const { time, devices } = world;
  if (!isAllChecked(world)) {
    fail(`not all is checked within the bound: ${describeStatus(world)}`);
    if (devices.every(({ status }) => status()?.waits.some(({ overdue }) => overdue) === false))
      fail('status calls nothing of that overdue');
  }
  let last = await judge(world);
  while (isAllChecked(world) && faultsOf(last).length > 0 && time.nowMs() < boundMs) {
    await time.passUntil(time.nowMs() + LOOK_MS);
    last = await judge(world);
  }
  if (isAllChecked(world)) for (const fault of faultsOf(last)) fail(fault);
  const { got: whole } = last;
  if (typeof whole === 'string') return;
  const isWhole = isAllChecked(world) && faultsOf(last).length === 0;
  const blocks = restoredOf(whole);
  for (const fault of world.faultsOf(blocks, isWhole)) fail(fault);
  const isRotten = world.faults.counts['outbox-rots'] !== undefined;
  if (!isRotten && blocks.some((block) => gapOf(block) !== null)) fail('a gap is noted, and nothing was damaged');
  if (isWhole && devices.length > 1) {
    for (const [number, { status }] of devices.entries())
      if (status()?.secondWriter === null) fail(`device ${number} of two with one key names no second writer`);
  }
  for (const { got } of before) if (typeof got !== 'string') checkContents('get, earlier', whole, got, fail);
  const rotten = isWhole ? rotStored(world) : [];
  if (rotten.length === 0) return;
  const { got, verified } = await judge(world);
  if (typeof got === 'string' || typeof verified === 'string') return;
  checkRot(rotten, { whole, got, verified }, fail);
}

export async function judge(world: World): Promise<Judgement> {
  const got = await inTime(world, () => getAll(world.owner));
  return { got, verified: await inTime(world, () => verifyAll(world.owner)) };
}

/** What came back up to the first block that is not intact. */
function restoredOf(got: readonly Judged[]): Restored[] {
  const all = got.map(({ content, meta }) => (content === null || meta === null ? null : { content, meta }));
  const first = all.indexOf(null);
  return (first === -1 ? all : all.slice(0, first)) as Restored[];
}

function faultsOf({ got, verified }: Judgement): string[] {
  return Object.entries({ get: got, verify: verified }).flatMap(([by, judged]) => {
    if (typeof judged === 'string') return [`${by}: ${judged}`];
    const misplaced = judged.find(({ index }, place) => index !== place);
    const kinds = [...Map.groupBy(judged, ({ verdict }) => verdict)].filter(([verdict]) => verdict !== 'intact');
    const named = kinds.map(([kind, all]) => `${by}: ${all.length} blocks are ${kind}, the first is ${all[0]?.index}`);
    return misplaced === undefined ? named : [`${by}: block ${misplaced.index} comes out of turn`, ...named];
  });
}

/** What `work` answers, or in words why it has come to no answer while time passed. */
async function inTime<T extends object>({ time }: World, work: () => Promise<T>): Promise<T | string> {
  let ended: T | string | null = null;
  let defect: unknown = null;
  work().then(
    (value) => {
      ended = value;
    },
    (cause) => {
      if (!(cause instanceof PlumblineError)) defect = cause;
      ended = cause instanceof PlumblineError ? `${cause.name}: ${cause.shortMessage}` : 'defect';
    },
  );
  await time.passUntil(time.nowMs() + PATIENCE_MS, () => ended !== null);
  if (defect !== null) throw defect;
  return ended ?? `no answer within ${PATIENCE_MS / 60_000} minutes`;
}
