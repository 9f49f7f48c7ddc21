import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { copyOutbox, FAST, newWriter, restore, restoreStream, startDevice, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

function statusOf(path: string) {
  const outbox = openOutboxReadOnly(path);
  const status = readStatus(outbox, Date.now());
  outbox.close();
  return status;
}

for (const direct of [false, true]) {
  test(`a cloned card beside the original${direct ? ', each recording by itself' : ''}: both say so, nothing is lost, and neither moves the other's stream`, async (context) => {
    const folder = temporaryFolder(context);
    const writer = newWriter();
    const remote = await startRemote(writer);
    context.after(() => remote.close());
    remote.relaying = !direct;
    const paths = [join(folder, 'original'), join(folder, 'clone')] as const;
    const begin = (outboxPath: string) => {
      const source = pushSource();
      const options = { ...FAST, compareEveryMs: 20 };
      return { source, device: startDevice({ remote, writer, outboxPath, source, direct }, options) };
    };
    const before = begin(paths[0]);
    await before.source.line('before\n');
    await before.device.event('checked');
    await before.device.stop();
    copyOutbox(paths[0], paths[1]);

    const original = begin(paths[0]);
    // The clone starts when the original is ahead already: what it adopts then might be its own of before.
    await original.source.line('original 0\n');
    await original.device.event('checked');
    const clone = begin(paths[1]);
    await clone.device.event('adopted');
    const lines = { original: ['original 0\n'], clone: [] as string[] };
    const heard = { original: false, clone: false };
    for (const [name, { device }] of Object.entries({ original, clone })) {
      void device.event('second-writer').then(() => {
        heard[name as keyof typeof heard] = true;
      });
    }
    for (let n = 1; n < 100 && !(heard.original && heard.clone); n++) {
      for (const [name, { source, device }] of Object.entries({ original, clone })) {
        const line = `${name} ${n}\n`;
        lines[name as 'original' | 'clone'].push(line);
        await source.line(line);
        const captured = lines[name as 'original' | 'clone'].length;
        // Each goes on when the log has it: who is behind is adopted from.
        await device.event('checked', () => checkedHere(device.events) >= captured - 1);
      }
    }
    assert.deepEqual(heard, { original: true, clone: true });
    for (const [name, { device }, path] of [
      ['original', original, paths[0]],
      ['clone', clone, paths[1]],
    ] as const) {
      await device.stop();
      const { captured, secondWriter } = statusOf(path);
      assert.ok(secondWriter !== null && secondWriter.blocks > 0);
      assert.equal(captured.streamBytes, ['before\n', ...lines[name]].join('').length, name);
    }
    // What is still on its way comes when each runs on.
    for (const path of paths) {
      const source = pushSource();
      const device = startDevice({ remote, writer, outboxPath: path, source, direct }, { ...FAST, untilIdle: true });
      source.end();
      assert.equal(await device.ended, true);
    }
    const restored = restoreStream(restore(remote, writer)).toString().split('\n').toSorted();
    const expected = ['before\n', ...lines.original, ...lines.clone].join('').split('\n').toSorted();
    assert.deepEqual(restored, expected);
  });
}

function checkedHere(events: readonly { event: string; blocks?: number }[]): number {
  return events.reduce((sum, { event, blocks = 0 }) => sum + (event === 'checked' ? blocks : 0), 0);
}

test('an outbox put back from a copy takes its own lines for its own, and no second writer is named', async (context) => {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const outboxPath = join(folder, 'o');
  const run = async (texts: readonly string[]) => {
    const source = pushSource();
    const device = startDevice({ remote, writer, outboxPath, source }, { ...FAST, untilIdle: true });
    for (const text of texts) await source.line(text);
    source.end();
    assert.equal(await device.ended, true);
    return device.events;
  };
  await run(['one\n']);
  copyOutbox(outboxPath, join(folder, 'copy'));
  await run(['two\n', 'three\n']);
  copyOutbox(join(folder, 'copy'), outboxPath);
  const events = await run(['four\n']);
  assert.ok(events.some(({ event }) => event === 'adopted'));
  assert.ok(events.every(({ event }) => event !== 'second-writer'));
  const { captured, secondWriter, losses } = statusOf(outboxPath);
  assert.equal(secondWriter, null);
  assert.equal(captured.streamBytes, 'one\ntwo\nthree\nfour\n'.length);
  // The mark beside it knew of more; the log has it all, so nothing is missing.
  assert.deepEqual(
    losses.map(({ kind, blocks }) => [kind, blocks]),
    [['shortened', 0]],
  );
  assert.equal(restoreStream(restore(remote, writer)).toString(), 'one\ntwo\nthree\nfour\n');
});
