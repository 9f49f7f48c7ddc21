import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as z from 'zod';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { utf8 } from '../../core/bytes.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { canonicalJson } from '../../core/evidence/canonical-json.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import { address } from '../../core/ids.ts';
import { exampleEvidence } from '../../dev/specification/example-evidence.ts';
import { AT_MS, evidenceOf, type FixtureOptions, joined } from '../core/evidence-fixture.ts';

/*
 * examples/verify_evidence.py is written from docs/specification.md alone, and docs/evidence.schema.json is what others read: both
 * are held against evidence that the product makes.
 */

const ROOT = join(import.meta.dirname, '..', '..');
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-evidence-py-'));
});
after(() => rm(folder, { recursive: true, force: true }));

function python(...args: string[]): Promise<{ exitCode: number; said: string }> {
  return new Promise((resolve) => {
    execFile(
      'python3',
      [join(ROOT, 'examples/verify_evidence.py'), ...args],
      { timeout: 120_000 },
      (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), said: stdout + stderr }),
    );
  });
}

async function write(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const FILES: Readonly<Record<string, FixtureOptions>> = {
  encrypted: { open: true, withBytes: true },
  anchored: { kind: 1, anchored: true },
  attached: { kind: 2 },
  time: { kind: 1, blocks: [1, 2, 3, 4, 5], range: { from: AT_MS + 2000, to: AT_MS + 4000 } },
};

describe('evidence that others read', () => {
  for (const [name, options] of Object.entries(FILES)) {
    test(`holds for a program written from the specification: ${name}`, async () => {
      const { evidence, contents, stored } = await evidenceOf(primitives, options);
      // That program does not read time-stamps, and says so.
      const timestamp = name === 'attached' ? new Uint8Array(2_000).fill(0x30) : null;
      const file = encodeEvidence({ ...evidence, timestamp });
      const path = await write(`${name}.evidence.json`, file);
      const within = name === 'time' ? contents.slice(1, -1) : contents;
      const data = await write(`${name}.data`, joined(within));
      const held = await python(path, data);
      assert.equal(held.exitCode, 0, held.said);
      assert.match(held.said, /^holds .*\n(?:.*\n)*intact /);
      assert.equal(/^UNREAD {3}a time-stamp token/m.test(held.said), timestamp !== null, held.said);
      if (name === 'encrypted') assert.equal((await python(path, await write('stored', joined(stored)))).exitCode, 0);
      const other = joined(within);
      other[5]! ^= 1;
      const differs = await python(path, await write(`${name}.other`, other));
      assert.deepEqual(
        [differs.exitCode, /differs from what was recorded/.test(differs.said)],
        [1, true],
        differs.said,
      );
      const value = JSON.parse(new TextDecoder().decode(file));
      value.blocks[0].size += 1;
      const changed = await python(await write(`${name}.changed`, canonicalJson(value)));
      assert.deepEqual([changed.exitCode, /^NOT PROVEN/.test(changed.said)], [1, true], changed.said);
    });
  }

  test('is what its JSON Schema says, and what differs in one field is not', async () => {
    const schema = z.fromJSONSchema(JSON.parse(await readFile(join(ROOT, 'docs', 'evidence.schema.json'), 'utf8')));
    for (const options of Object.values(FILES)) {
      const value = JSON.parse(
        new TextDecoder().decode(encodeEvidence((await evidenceOf(primitives, options)).evidence)),
      );
      assert.deepEqual(schema.safeParse(value).error?.issues ?? [], []);
      for (const field of Object.keys(value)) {
        const { [field]: _, ...less } = value;
        assert.equal(schema.safeParse(less).success, false, `without ${field}`);
        assert.equal(schema.safeParse({ ...value, [field]: 'x!' }).success, false, `${field} of another type`);
      }
      assert.equal(schema.safeParse({ ...value, more: 1 }).success, false);
      assert.equal(schema.safeParse({ ...value, blocks: [{ ...value.blocks[0], sha256: '0xAB' }] }).success, false);
    }
  });

  test('of another contract proves nothing to that program either, unless its reader names that contract', async () => {
    const other = `0x${'d1'.repeat(20)}`;
    const path = await write('other.evidence.json', await exampleEvidence(address(other)));
    const refused = await python(path);
    assert.equal(refused.exitCode, 1, refused.said);
    assert.match(
      refused.said,
      new RegExp(`^NOT PROVEN: it is of the contract ${other}, not of DISSC, which is at ${DISSC_ADDRESS}`),
    );
    const named = await python('--dissc', other, path);
    assert.equal(named.exitCode, 0, named.said);
    assert.match(named.said, new RegExp(`look up .* on the contract ${other}`));
    assert.equal((await python('--dissc', 'DISSC', path)).exitCode, 2);
  });

  test('has an example beside the specification that holds', async () => {
    const held = await python(
      join(ROOT, 'docs', 'example.evidence.json'),
      await write('hello', utf8('hello\nworld\n')),
    );
    assert.equal(held.exitCode, 0, held.said);
    assert.match(held.said, /intact .* 2 blocks, content/);
  });
});
