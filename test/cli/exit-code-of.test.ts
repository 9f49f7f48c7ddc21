import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { EXIT, exitCodeOf, exitCodesInWords } from '../../cli/exit-codes.ts';
import { type ErrorKind, PlumblineError } from '../../core/errors.ts';
import { describeErrors } from '../../dev/errors/describe-errors.ts';

/** Written down by hand: scripts of others act on these numbers. */
const CODE_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  arguments: 2,
  file: 2,
  answer: 3,
  unavailable: 3,
  chain: 3,
  refused: 4,
  'not-recorded': 5,
  state: 6,
  defect: 70,
};

class SomeError extends PlumblineError {
  override readonly name = 'SomeError';
  readonly kind: ErrorKind;
  constructor(kind: ErrorKind) {
    super('x');
    this.kind = kind;
  }
}

const named = (name: string): Error => Object.assign(new Error('x'), { name });

describe('the exit code', () => {
  test('of each kind of error is the one that scripts know', () => {
    for (const [kind, code] of Object.entries(CODE_OF_KIND) as [ErrorKind, number][]) {
      assert.equal(exitCodeOf(new SomeError(kind)), code, kind);
    }
  });

  test('is 130 for an interruption, of a call or of a question', () => {
    for (const name of ['AbortError', 'ExitPromptError']) assert.equal(exitCodeOf(named(name)), 130, name);
  });

  test('is 70 for what is not an error of ours, which is a fault of ours', () => {
    for (const error of [new TypeError('x'), named('TimeoutError'), 'a text', undefined]) {
      assert.equal(exitCodeOf(error), 70, String(error));
    }
  });

  test('is one of ten', () => {
    assert.deepEqual(EXIT, {
      ...{ ok: 0, notIntact: 1, usage: 2, unavailable: 3, refused: 4, notRecorded: 5, state: 6, unconfirmed: 7 },
      ...{ internal: 70, interrupted: 130 },
    });
  });
});

test('docs/errors.md is what the tables say today', () => {
  const written = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'errors.md'), 'utf8');
  assert.equal(written, describeErrors());
});

test('the help says what each code means, on lines that are no longer than they may be', () => {
  const words = exitCodesInWords(60);
  assert.ok(words.split('\n').every((line) => line.length <= 60));
  const said = words.replaceAll('\n', ' ');
  assert.match(
    said,
    /^Exit codes: 0 ok, 1 something is not intact [^,]+, 2 wrong arguments, files or keys, 3 chain, service or store /,
  );
  assert.match(
    said,
    /, 4 the service refuses, 5 nothing is recorded yet, 6 something else .+, 7 nothing was done; .+ --yes, 70 an error .+, 130 interrupted\.$/,
  );
});
