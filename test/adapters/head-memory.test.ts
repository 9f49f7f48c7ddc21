import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { openHeadMemory } from '../../adapters/sqlite/head-memory.ts';
import { FileError } from '../../core/errors.ts';
import { type Address, address, datasetId, type LogRoot, type RoundRoot } from '../../core/ids.ts';
import type { SeenAnchorer, SeenHeads } from '../../core/ports/head-memory.ts';

const bytes = (fill: number, length = 32) => new Uint8Array(length).fill(fill);
const anchorer = address(`0x${'a1'.repeat(20)}`);
const dataset = datasetId(`0x${'d5'.repeat(32)}`);

/** A head of so many blocks in the round of this number; nothing of it is verified here. */
function seenIn(number: number, size: number, by: Address = anchorer): SeenHeads {
  const head = { dataset, size, root: bytes(size) as LogRoot, serial: 7, signature: bytes(9, 65) };
  const front = { number, timeSeconds: 1_790_000_000, previous: bytes(1) as RoundRoot, history: bytes(2) as LogRoot };
  return {
    round: {
      ...{
        anchorer: by,
        root: bytes(number) as RoundRoot,
        signer: address(`0x${'b2'.repeat(20)}`),
        blockNumber: 100 + number,
      },
      shown: { ...front, path: [bytes(3), bytes(4)], head, end: null, txHash: `0x${'cc'.repeat(32)}` },
      peaks: [bytes(5), bytes(6)],
    },
    recorded: { size: 2, root: bytes(8) as LogRoot, blockNumber: 90 },
  };
}
const anchorerAt = (number: number): SeenAnchorer => ({
  ...{ number, root: bytes(number) as RoundRoot, history: { size: number - 1, peaks: [bytes(7)] }, blockNumber: 50 },
});

describe('what a verifier remembers of heads', () => {
  let folder: string;
  let files = 0;
  const fresh = () => join(folder, `heads-${++files}.sqlite`);
  const open = (path: string) => openHeadMemory(nodePrimitives, path);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'plumbline-memory-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is there for the next run, whole, in a file of its owner alone', () => {
    const path = fresh();
    const one = open(path);
    assert.deepEqual([one.readHeads(dataset), one.readAnchorer(anchorer)], [null, null]);
    one.keepHeads([[dataset, seenIn(3, 20)]]);
    one.keepAnchorer(anchorer, anchorerAt(3));
    one.close();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const other = open(path);
    assert.deepEqual(other.readHeads(dataset), seenIn(3, 20));
    assert.deepEqual(other.readAnchorer(anchorer), anchorerAt(3));
    other.forget(dataset);
    assert.deepEqual([other.readHeads(dataset), other.readAnchorer(anchorer), other.problems], [null, null, []]);
    other.close();
  });

  it('of two runs at once the later head stays, whichever ends last', () => {
    const path = fresh();
    const [slow, fast] = [open(path), open(path)];
    fast.keepHeads([[dataset, seenIn(5, 50)]]);
    slow.keepHeads([[dataset, { ...seenIn(4, 40), recorded: null }]]);
    fast.keepAnchorer(anchorer, anchorerAt(5));
    slow.keepAnchorer(anchorer, anchorerAt(4));
    assert.deepEqual(slow.readHeads(dataset), seenIn(5, 50));
    assert.equal(slow.readAnchorer(anchorer)?.number, 5);
    // Another anchorer's numbers are its own.
    const other = address(`0x${'a2'.repeat(20)}`);
    slow.keepHeads([[dataset, seenIn(1, 60, other)]]);
    assert.equal(fast.readHeads(dataset)?.round?.anchorer, other);
    slow.close();
    fast.close();
  });

  it('a row that was altered counts for nothing, and is said; it can be written again', () => {
    const path = fresh();
    open(path).keepHeads([[dataset, seenIn(3, 20)]]);
    const db = new DatabaseSync(path);
    db.exec(`UPDATE seen SET value = replace(value, '"size":20', '"size":21')`);
    db.close();
    const memory = open(path);
    assert.equal(memory.readHeads(dataset), null);
    assert.match(memory.problems.join(), /is damaged, so it is ignored/);
    memory.keepHeads([[dataset, seenIn(4, 22)]]);
    assert.deepEqual(memory.readHeads(dataset), seenIn(4, 22));
    memory.close();
  });

  it('a file that is no database is set aside, and said', () => {
    const path = fresh();
    writeFileSync(path, 'x'.repeat(8_192), { mode: 0o600 });
    const memory = open(path);
    assert.match(
      memory.problems.join(),
      /was damaged and has been set aside as .*\.damaged\. Heads seen earlier are forgotten/,
    );
    assert.equal(readFileSync(`${path}.damaged`, 'utf8').length, 8_192);
    memory.keepHeads([[dataset, seenIn(1, 2)]]);
    memory.close();
    assert.deepEqual(open(path).readHeads(dataset), seenIn(1, 2));
  });

  it('where nothing can be kept, a verdict goes on and it is said; others must not be able to write it', () => {
    const nowhere = open(join(folder, 'no-such-folder', 'heads.sqlite'));
    assert.match(nowhere.problems.join(), /cannot be opened \(ENOENT\)/);
    nowhere.keepHeads([[dataset, seenIn(1, 2)]]);
    assert.equal(nowhere.readHeads(dataset), null);
    const path = fresh();
    open(path).close();
    chmodSync(path, 0o666);
    assert.throws(() => open(path), FileError);
    assert.ok(existsSync(path));
  });

  it('another process that writes for long is said, and nothing waits for it for ever', () => {
    const path = fresh();
    const memory = openHeadMemory(nodePrimitives, path, 50);
    const other = new DatabaseSync(path);
    other.exec('BEGIN EXCLUSIVE');
    memory.keepHeads([[dataset, seenIn(1, 2)]]);
    assert.match(memory.problems.join(), /cannot be written \(SQLite 5/);
    other.close();
  });
});
