import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { fromHex } from '../../core/bytes.ts';
import {
  AnswerError,
  ArgumentError,
  FileError,
  KeyError,
  PlumblineError,
  SegmentError,
  StateError,
} from '../../core/errors.ts';
import { inAnswer, inFile } from '../../core/parse-outside.ts';

const shape = z.strictObject({ deep: z.strictObject({ count: z.int() }) });

/** What the parsing of something wrong ends in. */
function thrown(run: () => unknown): PlumblineError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof PlumblineError, String(error));
    return error;
  }
  return assert.fail('It was taken.');
}

describe('what is parsed from outside', () => {
  it('passes when it is right', () => {
    assert.deepEqual(
      inFile('a.json', () => shape.parse(JSON.parse('{"deep": {"count": 1}}'))),
      { deep: { count: 1 } },
    );
  });

  it('is the fault of a file, by its path and with the remedy, and never of an argument', () => {
    for (const [parse, says] of [
      [() => JSON.parse('{'), '/home/a.json is not JSON. Write it anew.'],
      [
        () => shape.parse({ deep: { count: 'x' } }),
        /^\/home\/a\.json is malformed at deep\.count: .+ Write it anew\.$/,
      ],
      [() => shape.parse(null), /malformed at its top/],
      [() => fromHex('0x1', 'root'), /^\/home\/a\.json cannot be read: The root is not hexadecimal/],
      [() => assertKey(), /does not open/],
    ] as const) {
      const error = thrown(() => inFile('/home/a.json', parse, 'Write it anew.'));
      assert.ok(error instanceof FileError, String(error));
      if (typeof says === 'string') assert.equal(error.message, says);
      else assert.match(error.message, says);
    }
  });

  it('is the fault of the other side, by its address', () => {
    const from = 'The service at https://api.example';
    const error = thrown(() => inAnswer(from, () => JSON.parse('<!doctype html>')));
    assert.ok(error instanceof AnswerError);
    assert.match(
      error.message,
      /^The service at https:\/\/api\.example gave an answer that does not match its API\. The answer is not JSON\. Check the address\.$/,
    );
  });

  it('keeps nothing of a text that is not JSON: it may be a secret', () => {
    const error = thrown(() => inFile('a.json', () => JSON.parse('hunter2')));
    assert.doesNotMatch(`${error.message} ${error.cause}`, /hunter2/);
  });

  it('leaves errors alone that name another turn, and faults of the program', () => {
    for (const cause of [
      new StateError('Too early.'),
      new SegmentError('Cut.', 'byte 7'),
      new FileError('b.json is open to others.'),
      new TypeError('undefined is not a function'),
    ]) {
      const parse = () => {
        throw cause;
      };
      for (const run of [() => inFile('a', parse), () => inAnswer('a', parse)]) {
        assert.throws(run, (error) => error === cause);
      }
    }
    assert.equal(new ArgumentError('x').kind, 'arguments');
  });
});

function assertKey(): never {
  throw new KeyError('The key does not open it.');
}
