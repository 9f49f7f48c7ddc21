import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitText } from '../../cli/device/wait-text.ts';
import type { AwaitedThing } from '../../device/outbox/read-waits.ts';

test('what waits is said of one and of several, with its time and whose turn it is', () => {
  const say = (awaited: AwaitedThing, blocks: number, overdue = false): string =>
    waitText({ for: awaited, blocks, sinceMs: 0, turn: 'service', reason: null, overdue }, 90_000);
  assert.equal(say('sealing', 1), '1 block is captured but not sealed, for 90 s.');
  assert.equal(say('proof', 1200), '1,200 blocks are final, but the storage has not proven possession, for 90 s.');
  assert.equal(say('publication', 1), '1 batch is final, but not yet published on the chain, for 90 s.');
  assert.equal(
    say('check-in', 2, true),
    "2 blocks are uploaded but not confirmed by the service, for 90 s. That is too long. Ask the service's operator.",
  );
  assert.match(say('disk', 0), /^The outbox cannot be written, for 90 s\./);
});
