import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { eventRows } from '../../functions/table.ts';
import { startAnchorLoop } from '../../local/host/anchor-loop.ts';

const NEVER_MS = 3_600_000;

/** An anchor whose runs a test ends by hand. */
function makeAnchor() {
  const runs: PromiseWithResolvers<unknown>[] = [];
  const begun: (() => void)[] = [];
  let underWay = 0;
  let most = 0;
  return {
    runs,
    most: () => most,
    nextRun: () => new Promise<void>((resolve) => begun.push(resolve)),
    fn: {
      row: eventRows.anchor,
      invoke: () => {
        const run = Promise.withResolvers<unknown>();
        runs.push(run);
        most = Math.max(most, ++underWay);
        begun.shift()?.();
        return run.promise.finally(() => underWay--);
      },
    },
  };
}

describe('the anchor loop', () => {
  const quiet = createLineObserver(() => undefined);

  test('runs one at a time, and once more for all the wake-ups that came meanwhile', async () => {
    const anchor = makeAnchor();
    const loop = startAnchorLoop(anchor.fn, NEVER_MS, quiet);
    for (let i = 0; i < 5; i++) loop.wake();
    assert.equal(anchor.runs.length, 1);
    const second = anchor.nextRun();
    anchor.runs[0]!.resolve(null);
    await second;
    anchor.runs[1]!.resolve(null);
    await loop.close(1_000);
    assert.equal(anchor.runs.length, 2);
    assert.equal(anchor.most(), 1);
    loop.wake();
    assert.equal(anchor.runs.length, 2, 'a closed loop runs nothing');
  });

  test('goes on after a run that failed, and says so', async () => {
    const lines: object[] = [];
    const anchor = makeAnchor();
    const loop = startAnchorLoop(
      anchor.fn,
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

  test('runs unasked', async () => {
    const anchor = makeAnchor();
    const first = anchor.nextRun();
    const loop = startAnchorLoop(anchor.fn, 5, quiet);
    await first;
    anchor.runs[0]!.resolve(null);
    await loop.close(1_000);
  });

  test('does not wait for ever for a run when it closes', async () => {
    const anchor = makeAnchor();
    const loop = startAnchorLoop(anchor.fn, NEVER_MS, quiet);
    loop.wake();
    await loop.close(20);
    anchor.runs[0]!.resolve(null);
  });
});
