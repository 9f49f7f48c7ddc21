import { PlumblineError } from '../../../core/errors.ts';
import { getAll, type Judged, verifyAll } from '../owner/judge-log.ts';
import type { World } from '../world/build-world.ts';
import { describeStatus, isAllChecked } from './check-status.ts';

const PATIENCE_MS = 10 * 60_000;
const LOOK_MS = 5 * 60_000;

/**
 * Compares what the owner's verifiers say in the end with what was written. The service may take its time to mend itself,
 * but not longer than until `boundMs`.
 */
export async function checkEnd(world: World, boundMs: number, fail: (what: string) => void): Promise<void> {
  const { time, text } = world;
  if (!isAllChecked(world)) {
    fail(`not all is checked within the bound: ${describeStatus(world)}`);
    const { content } = await judge(world);
    if (!text.subarray(0, content.length).equals(content)) fail('what was restored is not what was written');
    return;
  }
  let judged = await judge(world);
  while (judged.faults.length > 0 && time.nowMs() < boundMs) {
    await time.passUntil(time.nowMs() + LOOK_MS);
    judged = await judge(world);
  }
  for (const fault of judged.faults) fail(fault);
  if (judged.faults.length === 0 && !judged.content.equals(text)) {
    fail(`what was restored (${judged.content.length} bytes) is not what was written (${text.length})`);
  }
}

/** What the owner gets back, and what is wrong with it; the content up to the first block that is not intact. */
async function judge(world: World): Promise<{ readonly faults: readonly string[]; readonly content: Buffer }> {
  const got = await inTime(world, () => getAll(world.owner));
  const verified = await inTime(world, () => verifyAll(world.owner));
  if (typeof got === 'string' || typeof verified === 'string') {
    const said = [got, verified].filter((one) => typeof one === 'string');
    return { faults: said.map((one) => `the owner's verifier: ${one}`), content: Buffer.alloc(0) };
  }
  const faults = [...describeFaults('get', got), ...describeFaults('verify', verified)];
  const first = got.findIndex(({ content }) => content === null);
  const whole = first === -1 ? got : got.slice(0, first);
  return { faults, content: Buffer.concat(whole.map(({ content }) => content ?? new Uint8Array(0))) };
}

function describeFaults(by: string, judged: readonly Judged[]): string[] {
  const misplaced = judged
    .filter(({ index }, place) => index !== place)
    .map(({ index }) => `${by}: block ${index} comes out of turn`);
  const kinds = Map.groupBy(judged, ({ verdict }) => verdict);
  const named = [...kinds]
    .filter(([verdict]) => verdict !== 'intact')
    .map(([verdict, blocks]) => `${by}: ${blocks.length} blocks are ${verdict}, the first is ${blocks[0]?.index}`);
  return [...misplaced, ...named];
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
