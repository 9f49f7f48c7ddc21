import assert from 'node:assert/strict';
import { resolve, sep } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkBucket, checkKey, decodeSegment, metaPath, objectPath } from '../../../local/s3/object-path.ts';
import { S3Error } from '../../../local/s3/s3-error.ts';

const ROOT = '/data/buckets/blocks';

/** Keys rich in what could go wrong: dots, slashes, percent signs, the marks themselves, long segments. */
const anyKey = fc
  .array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          '/',
          '.',
          '..',
          '%',
          '%2F',
          '@',
          '@data',
          '@meta',
          'a',
          'A',
          '\\',
          ' ',
          'é',
          '\u{1f600}',
        ),
      },
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.integer({ min: 190, max: 210 }).map((count) => 'x'.repeat(count)),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => parts.join(''));

function isKey(key: string): boolean {
  try {
    checkKey(Buffer.from(key));
    return true;
  } catch {
    return false;
  }
}

function refuses(work: () => unknown, code: string): void {
  assert.throws(work, (error) => error instanceof S3Error && error.code === code);
}

describe('objectPath', () => {
  it('is documented by example', () => {
    const path = objectPath('/data', 'blocks', 'ab/0000000000000000/cd.car');
    assert.equal(path, `${ROOT}/ab/0000000000000000/cd.car@data`);
    assert.equal(metaPath(path), `${ROOT}/ab/0000000000000000/cd.car@meta`);
    assert.equal(objectPath('/data', 'blocks', '/a//b c/.x/'), `${ROOT}/%/a/%/b%20c/%2Ex/%@data`);
  });

  it('never leaves the bucket, nor a component over 255 bytes, nor anything to be normalised', () => {
    fc.assert(
      fc.property(anyKey.filter(isKey), (key) => {
        const path = objectPath('/data', 'blocks', key);
        assert.equal(resolve(path), path);
        assert.ok(path.startsWith(ROOT + sep));
        for (const part of path.split(sep)) assert.ok(Buffer.byteLength(part) <= 255 && /^[\x21-\x7e]*$/.test(part));
      }),
      { numRuns: 500 },
    );
  });

  it('gives two keys two paths, neither a folder of the other', () => {
    fc.assert(
      fc.property(anyKey.filter(isKey), anyKey.filter(isKey), (one, other) => {
        fc.pre(one !== other);
        const [a, b] = [objectPath('/data', 'blocks', one), objectPath('/data', 'blocks', other)];
        assert.notEqual(a, b);
        assert.notEqual(a, metaPath(b));
        for (const file of [a, metaPath(a)]) assert.ok(!b.startsWith(file + sep));
      }),
      { numRuns: 500 },
    );
  });

  it('can be read back', () => {
    fc.assert(
      fc.property(anyKey.filter(isKey), (key) => {
        const path = objectPath('/data', 'blocks', key).slice(ROOT.length + 1, -'@data'.length);
        const segments = path.replaceAll(/@\//g, '').split('/').map(decodeSegment);
        assert.equal(segments.join('/'), key);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses keys that climb, end in NUL, are too long, empty or not text', () => {
    for (const key of ['..', '.', '../x', 'a/../b', 'a/..', './a', 'a/./b', 'a\0', '\n', '', '\ud800', 'a\uffff']) {
      refuses(() => objectPath('/data', 'blocks', key), 'InvalidURI');
    }
    refuses(() => checkKey(Buffer.from([0x61, 0xff])), 'InvalidURI');
    refuses(() => objectPath('/data', 'blocks', 'é'.repeat(513)), 'KeyTooLongError');
    assert.ok(objectPath('/data', 'blocks', 'é'.repeat(512)));
  });

  it('refuses names that are no bucket names', () => {
    for (const name of [
      '',
      '..',
      '.',
      'a',
      'ab',
      'A-b',
      'a/b',
      'a\\b',
      'abc.',
      '-ab',
      'ab-',
      'a'.repeat(64),
      'a..b',
      'ab\0c',
    ]) {
      refuses(() => checkBucket(name), 'InvalidBucketName');
    }
    assert.equal(checkBucket('plumbline-1'), 'plumbline-1');
  });

  it('reads no name it would not have made', () => {
    for (const name of ['', '.a', '%2f', '%41', '%', '%%', 'a@', 'a b', '%FF', '%C3']) {
      if (name !== '%') assert.equal(decodeSegment(name), null, name);
    }
    assert.equal(decodeSegment('%'), '');
  });
});
