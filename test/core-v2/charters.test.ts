import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TypedDataEncoder, verifyTypedData, Wallet } from 'ethers';
import fc from 'fast-check';
import { toHex } from '../../core/bytes.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
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
} from '../../core/v2/charter/charter.ts';
import { charterKey, decodeCharter, encodeCharter, parseCharterKey } from '../../core/v2/charter/charter-file.ts';
import {
  type CharteredEvent,
  charterHistory,
  charterInForce,
  chartersBefore,
  contradictorySerials,
  deviceSerial,
  doesRoundCount,
} from '../../core/v2/charter/charters-in-force.ts';
import { decodeDatasetName, encodeDatasetName } from '../../core/v2/charter/dataset-name.ts';
import { blocksToExtend, disowningCharter, signerOfBlock } from '../../core/v2/charter/disowned.ts';
import { type Address, address, datasetId, NO_ACCOUNT, type PrivateKey } from '../../core/v2/ids.ts';
import { accountOfKey } from '../../core/v2/typed-data.ts';

const domain = { chainId: 31337, dissc: address(`0x${'d1'.repeat(20)}`) };
const ownerKey = new Uint8Array(32).fill(9) as PrivateKey;
const owner = accountOfKey(ownerKey);
const account = (byte: number): Address => address(`0x${byte.toString(16).padStart(2, '0').repeat(20)}`);
const [d1, d2, d3, anchorer, other] = [1, 2, 3, 0xaa, 0xbb].map(account) as [
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
const at = (blockNumber: number, one: Charter, logIndex = 0): CharteredEvent => ({
  blockNumber,
  logIndex,
  charter: one,
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

describe('the charter in force', () => {
  const first = charter(10);
  const second = charter(20, { device: d2, from: 100 });
  const third = charter(30, { device: d2, from: 100, anchorer: other });

  it('is the first until one is on the chain, and then the newest at or before a block', () => {
    const history = charterHistory([first], [at(500, third), at(400, second)]);
    assert.equal(charterInForce(history, 0), first);
    assert.equal(charterInForce(history, 399), first);
    assert.equal(charterInForce(history, 400), second);
    assert.equal(charterInForce(history, 499), second);
    assert.equal(charterInForce(history, 500), third);
    assert.equal(charterInForce(history, 9999), third);
    const sameBlock = charterHistory([first], [at(400, third, 5), at(400, second, 4)]);
    assert.equal(charterInForce(sameBlock, 400), third);
    assert.equal(charterInForce(charterHistory([], []), 5), null);
  });

  it('is the first from the beginning, even where only the chain has it', () => {
    const history = charterHistory([], [at(400, first), at(500, second)]);
    assert.equal(charterInForce(history, 1), first);
    const late = charterHistory([second], [at(400, second)]);
    assert.equal(charterInForce(late, 1), second);
    assert.equal(charterInForce(charterHistory([second, first], []), 1), first);
  });

  it('off the chain: of two of one serial the chain’s, and where it has neither, none', () => {
    const rival = charter(10, { device: d3 });
    assert.equal(charterHistory([first, rival], []).first, null);
    assert.deepEqual(contradictorySerials([first, rival, second], []), [10]);
    assert.equal(charterHistory([rival, first], [at(400, first)]).first, first);
    assert.deepEqual(contradictorySerials([first, rival], [at(400, first)]), []);
    assert.equal(charterHistory([rival], [at(400, first)]).first, first);
    assert.equal(charterHistory([first, { ...first }], []).first, first);
    assert.deepEqual(contradictorySerials([first, { ...first }], []), []);
    assert.equal(charterHistory([first, rival, second], []).first, second);
  });

  it('decides whether a round counts', () => {
    const history = charterHistory([first], [at(500, third), at(600, charter(40, { anchorer: NO_ACCOUNT }))]);
    assert.ok(doesRoundCount(history, { anchorer, blockNumber: 499 }));
    assert.ok(!doesRoundCount(history, { anchorer: other, blockNumber: 499 }));
    assert.ok(doesRoundCount(history, { anchorer: other, blockNumber: 500 }));
    assert.ok(!doesRoundCount(history, { anchorer, blockNumber: 500 }));
    assert.ok(!doesRoundCount(history, { anchorer: NO_ACCOUNT, blockNumber: 700 }));
    assert.ok(!doesRoundCount(charterHistory([], []), { anchorer, blockNumber: 1 }));
  });

  it('gives a device the serial of the first charter that names it', () => {
    const history = charterHistory([first], [at(400, second), at(500, third)]);
    assert.equal(deviceSerial(history, d1), 10);
    assert.equal(deviceSerial(history, d2), 20);
    assert.equal(deviceSerial(history, d3), null);
  });
});

describe('disowned blocks', () => {
  const first = charter(10);
  const second = charter(20, { device: d2, from: 100 });
  const again = charter(30, { device: d2, from: 100, anchorer: other });
  const third = charter(40, { device: d3, from: 70 });
  const history = charterHistory([first], [at(400, second), at(500, again), at(600, third, 2)]);

  it('are those at or above a charter’s from whose signer is an earlier device', () => {
    assert.equal(disowningCharter(history, 69, d1), null);
    assert.equal(disowningCharter(history, 70, d1), third);
    assert.equal(disowningCharter(history, 99, d2), third);
    assert.equal(disowningCharter(history, 100, d1), second);
    assert.equal(disowningCharter(history, 69, d2), null);
    assert.equal(disowningCharter(history, 5000, d3), null);
    // A later device's head may cover blocks below its from: it has taken them over.
    assert.equal(disowningCharter(history, 5, d3), null);
    assert.equal(disowningCharter(history, 5000, other), null);
  });

  it('are not those of a device that only changed its anchorer', () => {
    const only = charterHistory([first], [at(400, charter(20, { anchorer: other }))]);
    assert.equal(disowningCharter(only, 5000, d1), null);
  });

  it('of a device named again are those it signed in between', () => {
    const back = charterHistory([first], [at(400, second), at(500, charter(30, { device: d1, from: 200 }))]);
    assert.equal(disowningCharter(back, 150, d1), second);
    assert.equal(disowningCharter(back, 200, d1), null);
    assert.equal(disowningCharter(back, 200, d2)?.serial, 30);
    assert.equal(disowningCharter(back, 199, d2), null);
  });

  it('for an agreement go by the charters before its offer alone', () => {
    const before = chartersBefore(history, { blockNumber: 600, logIndex: 2 });
    assert.equal(disowningCharter(before, 99, d2), null);
    assert.equal(disowningCharter(before, 100, d1), second);
    const after = chartersBefore(history, { blockNumber: 600, logIndex: 3 });
    assert.equal(disowningCharter(after, 99, d2), third);
    assert.equal(disowningCharter(chartersBefore(history, { blockNumber: 1, logIndex: 0 }), 100, d1), null);
  });

  it('have the signer of the first final head that covers them, before that of their manifest', () => {
    const heads = [
      { blockNumber: 30, logIndex: 0, size: 300, signer: d2 },
      { blockNumber: 10, logIndex: 1, size: 100, signer: d1 },
      { blockNumber: 10, logIndex: 0, size: 50, signer: d3 },
    ];
    assert.equal(signerOfBlock(heads, 49, d2), d3);
    assert.equal(signerOfBlock(heads, 50, d2), d1);
    assert.equal(signerOfBlock(heads, 99, null), d1);
    assert.equal(signerOfBlock(heads, 100, d1), d2);
    assert.equal(signerOfBlock(heads, 300, d1), d1);
    assert.equal(signerOfBlock(heads, 300, null), null);
    assert.equal(signerOfBlock([], 0, null), null);
  });

  it('need not be extended where they are only anchored', () => {
    const head = { blockNumber: 1, logIndex: 0, size: 150, signer: d1 };
    assert.equal(blocksToExtend(history, { ...head, isRecorded: true }), 150);
    assert.equal(blocksToExtend(history, { ...head, isRecorded: false }), 70);
    assert.equal(blocksToExtend(history, { ...head, size: 70, isRecorded: false }), 70);
    assert.equal(blocksToExtend(history, { ...head, size: 71, isRecorded: false }), 70);
    assert.equal(blocksToExtend(history, { ...head, size: 0, isRecorded: false }), 0);
    assert.equal(blocksToExtend(history, { ...head, signer: d3, isRecorded: false }), 150);
    assert.equal(blocksToExtend(charterHistory([first], []), { ...head, isRecorded: false }), 150);
    const early = charterHistory([first], [at(400, second)]);
    assert.equal(blocksToExtend(early, { ...head, isRecorded: false }), 100);
  });
});
