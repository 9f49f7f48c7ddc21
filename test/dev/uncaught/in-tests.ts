import assert from 'node:assert/strict';
import { executionAsyncId } from 'node:async_hooks';
import { readFile } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';

/* Run by quicken-runner.test.ts: tests that fail, each with an error that is called as it is, and some that do not. */

const TEST_MS = 60_000;
const keepAlive = setInterval(() => {}, TEST_MS);
let isServed = false;
let server: Server;

before(async () => {
  server = createServer((socket) => socket.end('bytes'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  isServed = true;
});
after(() => {
  server.close();
  clearInterval(keepAlive);
});

fails('assertion', () => assert.fail('assertion'));
fails('promise', async () => {
  await Promise.resolve();
  throw new Error('promise');
});
failsWaiting('timer', () => void setTimeout(() => raise('timer'), 1));
failsWaiting('immediate', () => void setImmediate(() => raise('immediate')));
failsWaiting('tick', () => process.nextTick(() => raise('tick')));
failsWaiting('microtask', () => queueMicrotask(() => raise('microtask')));
failsWaiting('rejection', () => void Promise.reject(new Error('rejection')));
failsWaiting('rejection after a timer', () => {
  void new Promise((resolve) => setTimeout(resolve, 1)).then(() => raise('rejection after a timer'));
});
failsWaiting('file', () => readFile(import.meta.filename, () => raise('file')));
failsWaiting('socket', () => {
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  connect(address.port, '127.0.0.1').on('data', () => raise('socket'));
});

describe('a suite with hooks', () => {
  let count = 0;
  before(() => {
    assert(isServed, 'the hook of the file comes first');
    count = 10;
  });
  beforeEach(() => {
    count += 1;
  });
  it('has its own', () => assert.equal(count, 11));
  it('has them again', () => assert.equal(count, 12));
});

it('is not in that suite', async (context) => {
  await context.test('a test in a test', () => assert(isServed));
});

it('follows no promise', async () => {
  await Promise.resolve();
  // Where promises are followed, what runs behind one has a number.
  assert.equal(executionAsyncId(), 0);
});

function fails(name: string, run: () => void | Promise<void>): void {
  it(name, { timeout: TEST_MS }, run);
}

/** Waits for what never comes: without its error it would run into its time-out. */
function failsWaiting(name: string, begin: () => void): void {
  fails(name, async () => {
    await Promise.resolve();
    begin();
    await new Promise(() => {});
  });
}

function raise(name: string): never {
  throw new Error(name);
}
