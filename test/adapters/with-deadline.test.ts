import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withDeadline } from '../../adapters/with-deadline.ts';
import { AnswerError, StoreUnavailableError } from '../../core/errors.ts';

const NEVER_MS = 3_600_000;
const explain = (cause: unknown, timedOut: boolean) =>
  new StoreUnavailableError(timedOut ? 'too late' : 'broken', { cause });
/** A call that ends only when it is told to. */
const hangs = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));

describe('a call with a deadline', { timeout: 10_000 }, () => {
  test('is ended when it is over, with or without a caller who could abort it', async () => {
    await assert.rejects(withDeadline(1, undefined, hangs, explain), /too late/);
    await assert.rejects(withDeadline(1, new AbortController().signal, hangs, explain), /too late/);
  });

  test('is ended by its caller, whose reason it gives', async () => {
    const stop = new AbortController();
    const calling = withDeadline(NEVER_MS, stop.signal, hangs, explain);
    stop.abort(new Error('enough'));
    await assert.rejects(calling, /enough/);
    let calls = 0;
    await assert.rejects(
      withDeadline(NEVER_MS, stop.signal, async () => calls++, explain),
      /enough/,
    );
    assert.equal(calls, 0, 'it does not begin');
  });

  test('says what went wrong, unless it has been said', async () => {
    const failing = (error: Error) => withDeadline(NEVER_MS, undefined, () => Promise.reject(error), explain);
    await assert.rejects(failing(new TypeError('fetch failed')), /broken/);
    const said = new AnswerError('not an answer');
    await assert.rejects(failing(said), (error) => error === said);
  });

  test('aborts nothing any more once it has ended', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const given = await withDeadline(1, undefined, async (signal) => signal, explain);
    context.mock.timers.tick(2);
    assert.equal(given.aborted, false);
  });
});
