import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERROR_KINDS, type ErrorKind, PlumblineError } from '../../core/errors.ts';
import { PROBLEMS, Problem, type ProblemType, problemAnswer, problemOf } from '../../functions/answer/problem.ts';

/** Written down by hand: callers act on type and status, and the turn says who has to. */
const STATED: Readonly<Record<ProblemType, readonly [status: number, turn: string]>> = {
  '/problems/bad-request': [400, 'caller'],
  '/problems/signature': [401, 'caller'],
  '/problems/clock': [401, 'caller'],
  '/problems/forbidden': [403, 'caller'],
  '/problems/not-served': [403, 'operator'],
  '/problems/quota': [403, 'operator'],
  '/problems/no-agreement': [403, 'caller'],
  '/problems/no-grant': [403, 'owner'],
  '/problems/not-paid': [403, 'caller'],
  '/problems/not-found': [404, 'caller'],
  '/problems/unrecorded': [404, 'device'],
  '/problems/block-unavailable': [404, 'operator'],
  '/problems/no-ipfs': [404, 'operator'],
  '/problems/method-not-allowed': [405, 'caller'],
  '/problems/rejected': [409, 'device'],
  '/problems/charter-not-on-chain': [409, 'owner'],
  '/problems/described': [409, 'owner'],
  '/problems/board-full': [409, 'later'],
  '/problems/sequence-used': [409, 'caller'],
  '/problems/round-thinned': [410, 'caller'],
  '/problems/ended': [410, 'caller'],
  '/problems/too-large': [413, 'caller'],
  '/problems/uri-too-long': [414, 'caller'],
  '/problems/headers-too-large': [431, 'caller'],
  '/problems/internal': [500, 'operator'],
  '/problems/unavailable': [503, 'later'],
};

class SomeError extends PlumblineError {
  override readonly name = 'SomeError';
  readonly kind: ErrorKind;
  constructor(kind: ErrorKind) {
    super('The secret is 42.');
    this.kind = kind;
  }
}

const named = (name: string): Error => Object.assign(new Error('The secret is 42.'), { name });

describe('problem documents', () => {
  test('have the status and the turn that callers know', () => {
    const found = Object.entries(PROBLEMS).map(([type, { status, turn }]) => [type, [status, turn]]);
    assert.deepEqual(Object.fromEntries(found), STATED);
  });

  test('say of an error inside whether to try again, and nothing of what it was', () => {
    const unavailable = ['chain', 'unavailable'];
    for (const kind of Object.keys(ERROR_KINDS) as ErrorKind[]) {
      const { type, shortMessage } = problemOf(new SomeError(kind));
      assert.equal(type, unavailable.includes(kind) ? '/problems/unavailable' : '/problems/internal', kind);
      assert.doesNotMatch(shortMessage, /42/);
    }
    for (const [error, type] of [
      [named('TimeoutError'), '/problems/unavailable'],
      [named('AbortError'), '/problems/unavailable'],
      [named('TypeError'), '/problems/internal'],
      ['a text', '/problems/internal'],
      [null, '/problems/internal'],
    ] as const) {
      const problem = problemOf(error);
      assert.equal(problem.type, type, String(error));
      assert.doesNotMatch(problem.shortMessage, /42/);
    }
    assert.match(problemOf(new SomeError('chain')).shortMessage, /chain/);
    assert.match(problemOf(new SomeError('unavailable')).shortMessage, /store/);
    assert.match(problemOf(named('TimeoutError')).shortMessage, /longer than it may/);
  });

  test('leave a Problem as it is', () => {
    const problem = new Problem('/problems/quota', 'Too much.', { usedBytes: 7 });
    assert.equal(problemOf(problem), problem);
    assert.equal(problem.kind, 'refused');
    const answer = problemAnswer(problem);
    assert.equal(answer.statusCode, 403);
    assert.deepEqual(JSON.parse(answer.body), {
      ...{ type: '/problems/quota', title: PROBLEMS['/problems/quota'].title, status: 403 },
      ...{ detail: 'Too much.', usedBytes: 7 },
    });
  });

  test('challenge whoever has not signed, and tell when to try again', () => {
    const headersOf = (type: ProblemType) => problemAnswer(new Problem(type, 'x')).headers;
    for (const type of Object.keys(PROBLEMS) as ProblemType[]) {
      const [status] = STATED[type];
      const headers = headersOf(type);
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['www-authenticate'], status === 401 ? 'Signature' : undefined, type);
      assert.equal(headers['retry-after'], status === 503 ? '2' : undefined, type);
    }
  });
});
