import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verifyTypedData } from 'ethers';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { fromHex, to0x, toHex } from '../../core/bytes.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import type { DatasetKey } from '../../core/ids.ts';
import { leafHash, rootFromPath } from '../../core/log/merkle.ts';
import { recordBytes } from '../../core/log/record.ts';
import { type Cbor, encodeCbor, encodeTagged } from '../../core/standard-forms/cbor.ts';
import { encodeCoseReceipt } from '../../core/standard-forms/cose-receipt.ts';
import { deriveLogKey, originOf, requireLogKeyVoucher, vouchForLogKey } from '../../core/standard-forms/log-key.ts';
import { pathOfOne } from '../../core/standard-forms/one-block.ts';
import { encodeTlogProof } from '../../core/standard-forms/tlog-proof.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { evidenceOf } from './evidence-fixture.ts';
import { DEVICE_KEY, OWNER_KEY } from './honest-storage.ts';
import { vouchedFor } from './vouched-log-key.ts';

describe('standard forms of evidence', () => {
  it('have the audit path of their block, whichever it is of a log of any size', async () => {
    const sizes = [[1, 2, 3, 4, 5], [6, 7], Array.from({ length: 12 }, (_, i) => 20 + i)];
    for (let index = 0; index < 19; index++) {
      const { head, blocks, proof } = (await evidenceOf(primitives, { sizes, blocks: [index] })).evidence;
      const path = pathOfOne(index, head.size, proof);
      const [{ record }] = blocks as [(typeof blocks)[number]];
      const root = rootFromPath(primitives, leafHash(primitives, recordBytes(record)), index, head.size, path);
      assert.equal(toHex(root), toHex(head.root), `block ${index}`);
    }
  });

  it('bring along the evidence byte for byte, and a voucher that ethers ascribes to the owner', async () => {
    const { evidence } = await evidenceOf(primitives, { blocks: [5], open: true });
    const vouched = vouchedFor(evidence);
    const [, extra] = encodeTlogProof(primitives, evidence, vouched).split('\n');
    const { logKey, ...rest } = JSON.parse(Buffer.from((extra as string).slice(6), 'base64').toString());
    assert.deepEqual(parseEvidence(Buffer.from(JSON.stringify(rest.evidence))), evidence);
    const domain = {
      ...{ name: 'Plumbline DISSC', version: '2', chainId: evidence.domain.chainId },
      verifyingContract: evidence.domain.dissc,
    };
    const types = {
      LogKey: [
        { name: 'dataset', type: 'bytes32' },
        { name: 'serial', type: 'uint32' },
        { name: 'key', type: 'bytes32' },
      ],
    };
    const value = { dataset: evidence.dataset, serial: logKey.serial, key: logKey.ed25519 };
    assert.equal(verifyTypedData(domain, types, value, logKey.voucher).toLowerCase(), accountOfKey(OWNER_KEY));
    assert.ok(Buffer.from(encodeCoseReceipt(evidence, vouched)).includes(logKey.voucher.slice(2)));
  });

  it('have a key that a voucher of nobody else is good for', async () => {
    const { evidence } = await evidenceOf(primitives, { blocks: [5] });
    const { key, voucher } = vouchedFor(evidence);
    const owner = accountOfKey(OWNER_KEY);
    requireLogKeyVoucher(evidence.domain, key, voucher, owner);
    const byDevice = vouchForLogKey(evidence.domain, key, DEVICE_KEY).voucher;
    assert.throws(
      () => requireLogKeyVoucher(evidence.domain, key, byDevice, owner),
      /vouches for the log key, but the owner is/,
    );
    const other = { ...key, serial: key.serial + 1 };
    assert.throws(() => requireLogKeyVoucher(evidence.domain, other, voucher, owner), ProofError);
    const elsewhere = { ...evidence.domain, chainId: 1 };
    assert.throws(() => requireLogKeyVoucher(elsewhere, key, voucher, owner), ProofError);
    const next = deriveLogKey(primitives, new Uint8Array(32).fill(8) as DatasetKey, other);
    assert.notEqual(to0x(next.publicKey), to0x(key.publicKey));
    assert.equal(originOf(key.dataset), `plumbline/2/${key.dataset.slice(2)}`);
  });

  it('are of one block, and of no more', async () => {
    const { evidence } = await evidenceOf(primitives, { blocks: [1, 2] });
    const vouched = vouchedFor(evidence);
    assert.throws(() => encodeTlogProof(primitives, evidence, vouched), /proves one block, but you asked for 2/);
    assert.throws(() => encodeCoseReceipt(evidence, vouched), ArgumentError);
  });

  it('write CBOR as RFC 8949 has it in its appendix A', () => {
    const examples: readonly (readonly [Cbor, string])[] = [
      [0, '00'],
      [23, '17'],
      [24, '1818'],
      [255, '18ff'],
      [256, '190100'],
      [1_000_000, '1a000f4240'],
      [1_000_000_000_000, '1b000000e8d4a51000'],
      [-1, '20'],
      [-1000, '3903e7'],
      [null, 'f6'],
      [fromHex('01020304'), '4401020304'],
      ['\u6c34', '63e6b0b4'],
      [[1, [2, 3], [4, 5]], '8301820203820405'],
      [
        new Map([
          [3, 4],
          [1, 2],
        ]),
        'a201020304',
      ],
    ];
    for (const [value, hex] of examples) assert.equal(toHex(encodeCbor(value)), hex);
    assert.equal(toHex(encodeTagged(18, 'a')), 'd26161');
    assert.throws(() => encodeCbor(1.5), ArgumentError);
  });
});
