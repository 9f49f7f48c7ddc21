import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAwaited } from '../../device/sources/directory/await-rest.ts';
import type { SeenFile } from '../../device/sources/directory/seen-file.ts';

const SETTLE_MS = 3000;
const START_MS = Date.UTC(2026, 10, 30);

test('a file is taken for complete by its age only where it lay there from the beginning: a clock that is ahead makes new ones look old', () => {
  let passedMs = 0;
  let jumpMs = 0;
  const runtime = { nowMs: () => START_MS + passedMs + jumpMs, monotonicMs: () => passedMs };
  const awaited = createAwaited(runtime, SETTLE_MS);
  const fileOf = (path: string, changedMs: number, identity = path): SeenFile =>
    ({ path, identity, changedNs: BigInt(changedMs) * 1_000_000n, inode: 1n, sizeBytes: 1 }) as SeenFile;
  assert.ok(awaited.hasRested(fileOf('old', START_MS - 3_600_000)));
  assert.ok(!awaited.hasRested(fileOf('fresh', START_MS)));

  passedMs = 600_000;
  jumpMs = 120_000;
  const half = fileOf('half', START_MS + passedMs);
  assert.ok(!awaited.hasRested(half));
  passedMs += 1500;
  assert.ok(!awaited.hasRested({ ...half, identity: 'whole' } as SeenFile), 'it has changed');
  passedMs += SETTLE_MS;
  assert.ok(awaited.hasRested({ ...half, identity: 'whole' } as SeenFile));
});
