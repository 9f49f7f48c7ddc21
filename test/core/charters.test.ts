import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TypedDataEncoder, verifyTypedData, Wallet } from 'ethers';
import fc from 'fast-check';
import { toHex } from '../../core/bytes.ts';
import {
  anchorerOf,
  type Charter,
  charterHash,
  datasetOfCharter,
  isSameCharter,
  nextSerial,
  requireCharterSignature,
  type SignedCharter,
  signCharter,
} from '../../core/charter/charter.ts';
import { charterKey, decodeCharter, encodeCharter, parseCharterKey } from '../../core/charter/charter-file.ts';
import { decodeDatasetName, encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import { type Address, address, datasetId, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';

const domain = { chainId: 31337, dissc: address(`0x${'d1'.repeat(20)}`) };
const ownerKey = new Uint8Array(32).fill(9) as PrivateKey;
const owner = accountOfKey(ownerKey);
const account = (byte: number): Address => address(`0x${byte.toString(16).padStart(2, '0').repeat(20)}`);
const [d1, d2, _d3, anchorer, other] = [1, 2, 3, 0xaa, 0xbb].map(account) as [
  Address,
  Address,
  Address,
  Address,
  Address,
];
const charter = (serial: number, change: Partial<Charter> = {}): Charter => ({
  owner,
  name: encodeDatasetName('greenhouse'),
  kind: 0,
  device: d1,
  anchorer,
  serial,
  from: 0,
  ...change,
});

describe('a dataset name', () => {
  it('is 1 to 32 bytes of UTF-8 without NUL, and reads back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 34 }), (text) => {
        const bytes = Buffer.from(text, 'utf8').length;
        const isName = text.isWellFormed() && bytes <= 32 && !text.includes('\0');
        if (isName) assert.equal(decodeDatasetName(encodeDatasetName(text)), text);
        else assert.throws(() => encodeDatasetName(text), ArgumentError);
      }),
      { numRuns: 3000, seed: 4 },
    );
    assert.equal(decodeDatasetName(encodeDatasetName('\uFEFFx')), '\uFEFFx');
    assert.throws(() => encodeDatasetName(''), ArgumentError);
    assert.throws(() => encodeDatasetName('\uD800'), ArgumentError);
    assert.throws(() => encodeDatasetName('ü'.repeat(17)), /has 34 bytes in UTF-8; 1 to 32 are allowed/);
  });

  it('is nothing else than 32 bytes that a text is written as', () => {
    const bytes = (...start: number[]): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => start[i] ?? 0);
    for (const name of [
      bytes(),
      bytes(0, 65),
      bytes(65, 0, 66),
      bytes(0xff),
      bytes(0xc3),
      bytes(0xed, 0xa0, 0x80),
      new Uint8Array(31).fill(65),
      new Uint8Array(33).fill(65),
    ]) {
      assert.throws(() => decodeDatasetName(name), ArgumentError, toHex(name));
    }
    assert.equal(decodeDatasetName(new Uint8Array(32).fill(65)), 'A'.repeat(32));
  });
});

describe('a charter', () => {
  const types = {
    Charter: [
      { name: 'name', type: 'bytes32' },
      { name: 'kind', type: 'uint8' },
      { name: 'device', type: 'address' },
      { name: 'anchorer', type: 'address' },
      { name: 'serial', type: 'uint32' },
      { name: 'from', type: 'uint64' },
    ],
  };
  const typed = { name: 'Plumbline DISSC', version: '2', chainId: domain.chainId, verifyingContract: domain.dissc };

  it('is signed as EIP-712 says', async () => {
    for (const one of [charter(1), charter(0xffff_ffff, { kind: 2, from: 2 ** 48, anchorer: NO_ACCOUNT })]) {
      const value = { ...one, name: `0x${toHex(one.name)}` };
      assert.equal(`0x${toHex(charterHash(domain, one))}`, TypedDataEncoder.hash(typed, types, value));
      const signature = signCharter(domain, one, ownerKey);
      assert.equal(verifyTypedData(typed, types, value, `0x${toHex(signature)}`).toLowerCase(), owner);
      const wallet = new Wallet(`0x${toHex(ownerKey)}`);
      assert.equal(await wallet.signTypedData(typed, types, value), `0x${toHex(signature)}`);
      requireCharterSignature(domain, { ...one, signature });
    }
  });

  it('counts for nothing with another field, signer, contract or chain, or without a signature', () => {
    const signed: SignedCharter = { ...charter(7), signature: signCharter(domain, charter(7), ownerKey) };
    const changes: Partial<SignedCharter>[] = [
      { name: encodeDatasetName('greenhousf') },
      { kind: 1 },
      { device: d2 },
      { anchorer: NO_ACCOUNT },
      { serial: 8 },
      { from: 1 },
      { owner: other },
      { signature: null },
      { signature: new Uint8Array(65) },
      { signature: (signed.signature as Uint8Array).subarray(0, 64) },
    ];
    for (const change of changes) {
      assert.throws(
        () => requireCharterSignature(domain, { ...signed, ...change }),
        ProofError,
        JSON.stringify(change),
      );
    }
    assert.throws(() => requireCharterSignature({ ...domain, chainId: 1 }, signed), ProofError);
    assert.throws(() => requireCharterSignature({ ...domain, dissc: other }, signed), ProofError);
  });

  it('that DISSC would refuse is not signed', () => {
    const wrong: Partial<Charter>[] = [
      { kind: 3 as never },
      { owner: NO_ACCOUNT },
      { device: NO_ACCOUNT },
      { serial: 0 },
      { serial: 2 ** 32 },
      { serial: 1.5 },
      { from: -1 },
      { from: 2 ** 53 },
      { name: new Uint8Array(31) },
    ];
    for (const change of wrong) {
      assert.throws(
        () => signCharter(domain, charter(7, change), ownerKey),
        { kind: 'arguments' },
        JSON.stringify(change),
      );
    }
  });

  it('lies in the bucket as canonical dag-cbor, under a key of its own', () => {
    for (const one of [charter(1), charter(0xffff_ffff, { kind: 2, from: 2 ** 48 })]) {
      for (const signature of [null, signCharter(domain, one, ownerKey)]) {
        assert.deepEqual(decodeCharter(encodeCharter({ ...one, signature })), { ...one, signature });
      }
    }
    const dataset = datasetOfCharter(domain, charter(5));
    assert.notEqual(dataset, datasetOfCharter(domain, charter(5, { kind: 1 })));
    assert.equal(charterKey(dataset, 1_790_000_000), `${dataset.slice(2)}/charter-1790000000`);
    assert.deepEqual(parseCharterKey(charterKey(dataset, 1)), { dataset, serial: 1 });
    assert.deepEqual(parseCharterKey(charterKey(dataset, 0xffff_ffff)), { dataset, serial: 0xffff_ffff });
    const id = 'ab'.repeat(32);
    for (const key of [
      `${id}/charter-0`,
      `${id}/charter-01`,
      `${id}/charter-4294967296`,
      `${id}/charter-`,
      `${id}/charter--1`,
      `0x${id}/charter-1`,
      `${id.toUpperCase()}/charter-1`,
      `${id}/charter-1.cbor`,
    ]) {
      assert.equal(parseCharterKey(key), null, key);
    }
    assert.equal(datasetId(`0x${id}`), `0x${id}`);
  });

  it('has the serial of this second, or one more than the last', () => {
    assert.equal(nextSerial(100, null), 100);
    assert.equal(nextSerial(100, 99), 100);
    assert.equal(nextSerial(100, 100), 101);
    assert.equal(nextSerial(100, 500), 501);
    assert.throws(() => nextSerial(2 ** 32, null), { kind: 'arguments' });
    assert.throws(() => nextSerial(100, 2 ** 32 - 1), { kind: 'arguments' });
  });

  it('names an anchorer or none', () => {
    assert.equal(anchorerOf(charter(1)), anchorer);
    assert.equal(anchorerOf(charter(1, { anchorer: NO_ACCOUNT })), null);
    assert.ok(isSameCharter(charter(1), charter(1)));
    assert.ok(!isSameCharter(charter(1), charter(1, { from: 5 })));
  });
});
