import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { to0x } from '../../core/bytes.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import { recordBytes } from '../../core/log/record.ts';
import { encodeCoseReceipt } from '../../core/standard-forms/cose-receipt.ts';
import { originOf, publicKeyPem } from '../../core/standard-forms/log-key.ts';
import { plumblineExtra } from '../../core/standard-forms/one-block.ts';
import { encodeTlogProof, noteVerifierKey } from '../../core/standard-forms/tlog-proof.ts';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import { evidenceOf } from '../core/evidence-fixture.ts';
import { vouchedFor } from '../core/vouched-log-key.ts';

/*
 * Standard forms of evidence, checked by programs that nobody here wrote: golang.org/x/mod for transparency logs' proofs, PyPI's
 * scitt-cose for COSE receipts. Whatever bit of them is flipped, they refuse it.
 */

const MAX_OUTPUT_BYTES = 64 * 2 ** 20;
const here = import.meta.dirname;
let folder: string;
let checkTlog: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-standard-forms-'));
  checkTlog = join(folder, 'check-tlog-proof');
  const env = {
    ...process.env,
    GOMODCACHE: findProgram('x-mod'),
    GOPROXY: 'off',
    GOFLAGS: '-mod=readonly',
    GOWORK: 'off',
  };
  execFileSync('go', ['build', '-o', checkTlog, '.'], { cwd: join(here, 'check-tlog-proof'), env });
});
after(() => rm(folder, { recursive: true, force: true }));

/** What a program says of each file, in their order. */
function ask(program: string, args: readonly string[], files: readonly Uint8Array[]): string[] {
  const input = files.map((file) => `${Buffer.from(file).toString('base64')}\n`).join('');
  const said = execFileSync(program, args, { input, encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES });
  return said.trimEnd().split('\n');
}

const flipped = (file: Uint8Array, bit: number): Uint8Array => {
  const other = file.slice();
  other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
  return other;
};

/** Every bit of a file, those of some of its bytes aside. */
function bitsOf(file: Uint8Array, isLeftOut: (at: number) => boolean): number[] {
  return Array.from({ length: 8 * file.length }, (_, bit) => bit).filter((bit) => !isLeftOut(bit >> 3));
}

/** Where the record stands, which is all that these programs read of our evidence. */
function placeOf(file: Uint8Array, part: Uint8Array): (at: number) => boolean {
  const start = Buffer.from(file).indexOf(part);
  assert.notEqual(start, -1);
  return (at) => at >= start && at < start + part.length;
}

const SIZES = [[1500, 40, 1024], [3000, 1, 77, 5000], Array.from({ length: 12 }, (_, i) => 20 + i)];

async function evidenceOfBlock(index: number): Promise<EvidenceFile> {
  return (await evidenceOf(primitives, { sizes: SIZES, blocks: [index], open: true })).evidence;
}

describe('a tlog-proof, checked by golang.org/x/mod/sumdb', () => {
  it('holds for every block of a log', async () => {
    for (const index of [0, 6, 11, 18]) {
      const evidence = await evidenceOfBlock(index);
      const vouched = vouchedFor(evidence);
      const proof = Buffer.from(encodeTlogProof(primitives, evidence, vouched));
      assert.deepEqual(ask(checkTlog, [noteVerifierKey(primitives, vouched.key)], [proof]), [`holds ${index} 19`]);
    }
  });

  it('is refused with any one bit flipped', async () => {
    const evidence = await evidenceOfBlock(11);
    const vouched = vouchedFor(evidence);
    const proof = Buffer.from(encodeTlogProof(primitives, evidence, vouched));
    const isExtra = placeOf(proof, Buffer.from(Buffer.from(plumblineExtra(evidence, vouched)).toString('base64')));
    // The last digit of the signature has two bits that stand for nothing, and x/mod reads any.
    const unused = proof.lastIndexOf('=') - 1;
    const isSame = (bit: number) => bit >> 3 === unused && decoded(flipped(proof, bit)).equals(decoded(proof));
    const bits = bitsOf(proof, isExtra).filter((bit) => !isSame(bit));
    const said = ask(
      checkTlog,
      [noteVerifierKey(primitives, vouched.key)],
      bits.map((bit) => flipped(proof, bit)),
    );
    const taken = bits.filter((_, i) => !said[i]?.startsWith('refused'));
    assert.deepEqual([said.length, taken], [bits.length, []]);
    assert.ok(bits.length > 3_000, String(bits.length));
    // And of the evidence in it, the record.
    const record = to0x(recordBytes((evidence.blocks[0] as (typeof evidence.blocks)[number]).record));
    const shown = Buffer.from(plumblineExtra(evidence, vouched)).toString();
    const others = Array.from({ length: record.length - 2 }, (_, i) => {
      const digit = record[i + 2] === '0' ? '1' : '0';
      const other = shown.replace(record, `${record.slice(0, i + 2)}${digit}${record.slice(i + 3)}`);
      return Buffer.from(proof.toString().replace(/^extra .*$/m, `extra ${Buffer.from(other).toString('base64')}`));
    });
    const refused = ask(checkTlog, [noteVerifierKey(primitives, vouched.key)], others);
    assert.ok(refused.every((line) => line.startsWith('refused')));
  });

  it('is refused under the key of another device of that log', async () => {
    const evidence = await evidenceOfBlock(2);
    const proof = Buffer.from(encodeTlogProof(primitives, evidence, vouchedFor(evidence)));
    const other = vouchedFor({ ...evidence, head: { ...evidence.head, serial: evidence.head.serial + 1 } });
    assert.match(ask(checkTlog, [noteVerifierKey(primitives, other.key)], [proof])[0] ?? '', /^refused .*signature/);
  });
});

/** The signature of a note as x/mod reads it. */
function decoded(proof: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(proof).toString().trimEnd().split(' ').at(-1) ?? '', 'base64');
}

describe('a COSE receipt, checked by scitt-cose', () => {
  const askOf = async (evidence: EvidenceFile, files: readonly Uint8Array[]): Promise<string[]> => {
    const pem = join(folder, 'log-key.pem');
    await writeFile(pem, publicKeyPem(vouchedFor(evidence).key));
    return ask(findProgram('scitt-cose'), [join(here, 'check_cose_receipt.py'), pem], files);
  };

  it('holds for every block of a log', async () => {
    for (const index of [0, 6, 11, 18]) {
      const evidence = await evidenceOfBlock(index);
      const receipt = encodeCoseReceipt(evidence, vouchedFor(evidence));
      const origin = originOf(evidence.dataset);
      assert.deepEqual(await askOf(evidence, [receipt]), [`holds ${index} 19 ${origin} ${origin}/19/${index}`]);
    }
  });

  it('is refused with any one bit flipped', async () => {
    const evidence = await evidenceOfBlock(11);
    const vouched = vouchedFor(evidence);
    const receipt = encodeCoseReceipt(evidence, vouched);
    const extra = plumblineExtra(evidence, vouched);
    const isExtra = placeOf(receipt, extra);
    const bits = bitsOf(receipt, isExtra);
    const said = await askOf(
      evidence,
      bits.map((bit) => flipped(receipt, bit)),
    );
    const taken = bits.filter((_, i) => !said[i]?.startsWith('refused'));
    assert.deepEqual([said.length, taken], [bits.length, []]);
    assert.ok(bits.length > 3_000, String(bits.length));
    const start = Buffer.from(receipt).indexOf(Buffer.from(extra));
    const record = to0x(recordBytes((evidence.blocks[0] as (typeof evidence.blocks)[number]).record));
    const at = start + Buffer.from(extra).indexOf(record) + 2;
    const ofRecord = Array.from({ length: record.length - 2 }, (_, i) => flipped(receipt, 8 * (at + i)));
    assert.ok((await askOf(evidence, ofRecord)).every((line) => line.startsWith('refused')));
  });

  it('is refused under the key of another log', async () => {
    const evidence = await evidenceOfBlock(2);
    const other = { ...evidence, head: { ...evidence.head, serial: evidence.head.serial + 1 } };
    const said = await askOf(other, [encodeCoseReceipt(evidence, vouchedFor(evidence))]);
    assert.match(said[0] ?? '', /^refused .*signature/);
  });
});
