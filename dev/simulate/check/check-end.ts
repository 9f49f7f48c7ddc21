import { PlumblineError } from '../../../core/errors.ts';
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
  const { time, text } = world;
  if (!isAllChecked(world)) {
    fail(`not all is checked within the bound: ${describeStatus(world)}`);
    if (world.device.status()?.waits.some(({ overdue }) => overdue) === false)
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
  const content = contentOf(whole);
  const isWhole = isAllChecked(world) && faultsOf(last).length === 0;
  if (!(isWhole ? text : text.subarray(0, content.length)).equals(content)) {
    fail(`what was restored (${content.length} bytes) is not what was written (${text.length})`);
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

/** The content up to the first block that is not intact. */
function contentOf(got: readonly Judged[]): Buffer {
  const first = got.findIndex(({ content }) => content === null);
  const whole = first === -1 ? got : got.slice(0, first);
  return Buffer.concat(whole.map(({ content }) => content ?? new Uint8Array(0)));
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
