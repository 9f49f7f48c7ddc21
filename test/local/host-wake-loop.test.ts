import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import type { Observer } from '../../functions/observe/observer.ts';
import { eventRows } from '../../functions/table.ts';
import { startWakeLoop, type WakeLoop } from '../../local/host/wake-loop.ts';

const NEVER_MS = 3_600_000;

/** An anchor whose runs a test ends by hand. */
function makeAnchor() {
  const runs: PromiseWithResolvers<unknown>[] = [];
  const begun: (() => void)[] = [];
  const events: unknown[] = [];
  let underWay = 0;
  let most = 0;
  return {
    ...{ runs, events },
    most: () => most,
    nextRun: () => new Promise<void>((resolve) => begun.push(resolve)),
    fn: {
      row: eventRows.anchor,
      invoke: (event: unknown) => {
        events.push(event);
        const run = Promise.withResolvers<unknown>();
        runs.push(run);
        most = Math.max(most, ++underWay);
        begun.shift()?.();
        return run.promise.finally(() => underWay--);
      },
    },
  };
}

type Anchor = ReturnType<typeof makeAnchor>;

/** A loop that ends with its test, however that ends. */
function start(context: TestContext, { fn }: Anchor, everyMs: number, observer: Observer = quiet): WakeLoop {
  const loop = startWakeLoop(fn, everyMs, observer);
  context.after(() => loop.close(1));
  return loop;
}

const quiet = createLineObserver(() => undefined);

// A run that never comes is a failure, not a wait.
describe('the anchor loop', { timeout: 10_000 }, () => {
  test('runs one at a time, and once more for all the wake-ups that came meanwhile', async (context) => {
    const anchor = makeAnchor();
    const loop = start(context, anchor, NEVER_MS);
    loop.wake();
    for (const reason of ['head', 'look', 'head', 'look']) loop.wake(reason);
    assert.equal(anchor.runs.length, 1);
    const second = anchor.nextRun();
    anchor.runs[0]!.resolve(null);
    await second;
    anchor.runs[1]!.resolve(null);
    await loop.close(1_000);
    assert.equal(anchor.runs.length, 2);
    assert.equal(anchor.most(), 1);
    const said = anchor.events.map((event) =>
      (event as { Records: { body: string }[] }).Records.map(({ body }) => body),
    );
    assert.deepEqual(said, [['{"reason":"time"}'], ['{"reason":"head"}', '{"reason":"look"}']]);
    loop.wake();
    assert.equal(anchor.runs.length, 2, 'a closed loop runs nothing');
  });

  test('goes on after a run that failed, and says so', async (context) => {
    const lines: object[] = [];
    const anchor = makeAnchor();
    const loop = start(
      context,
      anchor,
      NEVER_MS,
      createLineObserver((line) => lines.push(line)),
    );
    loop.wake();
    loop.wake();
    const second = anchor.nextRun();
    anchor.runs[0]!.reject(new Error('no chain'));
    await second;
    assert.match(JSON.stringify(lines), /no chain/);
    anchor.runs[1]!.resolve(null);
    await loop.close(1_000);
  });

  test('runs unasked', async (context) => {
    const anchor = makeAnchor();
    const first = anchor.nextRun();
    const loop = start(context, anchor, 5);
    await first;
    anchor.runs[0]!.resolve(null);
    await loop.close(1_000);
  });

  test('asks for no second run just because time has passed while one is under way', async (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] });
    const anchor = makeAnchor();
    const loop = start(context, anchor, 1_000);
    context.mock.timers.tick(999);
    assert.equal(anchor.runs.length, 0);
    context.mock.timers.tick(5_001);
    assert.equal(anchor.runs.length, 1);
    anchor.runs[0]!.resolve(null);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(anchor.runs.length, 1);
    context.mock.timers.tick(1_000);
    assert.equal(anchor.runs.length, 2);
    anchor.runs[1]!.resolve(null);
    await loop.close(1_000);
    context.mock.timers.tick(10_000);
    assert.equal(anchor.runs.length, 2, 'a closed loop runs nothing');
  });

  test('makes no further run of a wake-up that came before it was closed', async (context) => {
    const anchor = makeAnchor();
    const loop = start(context, anchor, NEVER_MS);
    loop.wake();
    loop.wake();
    const closing = loop.close(1_000);
    anchor.runs[0]!.resolve(null);
    await closing;
    assert.equal(anchor.runs.length, 1);
  });

  test('does not wait for ever for a run when it closes', async (context) => {
    const anchor = makeAnchor();
    const loop = start(context, anchor, NEVER_MS);
    loop.wake();
    await loop.close(20);
    anchor.runs[0]!.resolve(null);
  });
});
