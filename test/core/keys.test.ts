import assert from 'node:assert/strict';
import { createHmac, hkdfSync } from 'node:crypto';
import { describe, it } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { linkSerial, openLinkedObjects, sealLinkedObjects } from '../../core/block/linked-objects.ts';
import { encodeMeta } from '../../core/block/meta.ts';
import { auditKey } from '../../core/block/seal.ts';
import { concatBytes } from '../../core/bytes.ts';
import { ArgumentError, KeyError } from '../../core/errors.ts';
import { type AgreementId, type DatasetKey, datasetId, NATIVE_COIN, NO_ACCOUNT } from '../../core/ids.ts';
import {
  branch,
  deriveAgentSecrets,
  deriveConsumerSecrets,
  deriveDatasetKey,
  deriveDeviceKey,
  deriveOfferSeed,
  serialOfDevice,
} from '../../core/keys.ts';
import * as limits from '../../core/limits.ts';
import { accountOfKey, uintWord } from '../../core/typed-data.ts';

const seed = new Uint8Array(64).fill(5);
const dataset = datasetId(`0x${'ab'.repeat(32)}`);
const other = datasetId(`0x${'cd'.repeat(32)}`);

describe('keys of devices', () => {
  it('follow from seed, dataset and serial, and from nothing else', () => {
    const keys = [
      deriveDatasetKey(primitives, seed, dataset, 1),
      deriveDatasetKey(primitives, seed, dataset, 2),
      deriveDatasetKey(primitives, seed, other, 1),
      deriveDeviceKey(primitives, seed, dataset, 1),
      deriveDeviceKey(primitives, seed, dataset, 2),
      deriveDeviceKey(primitives, seed, other, 1),
      deriveDeviceKey(primitives, new Uint8Array(64), dataset, 1),
    ].map((key) => Buffer.from(key).toString('hex'));
    assert.equal(new Set(keys).size, keys.length);
    const root = new Uint8Array(hkdfSync('sha256', seed, '', 'plumbline/2/devices', 32));
    assert.deepEqual(branch(primitives, seed, 'plumbline/2/devices'), root);
  });

  it('take the next attempt where one is no key of the curve', () => {
    const tried: number[] = [];
    const stubborn = {
      hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
        if (message[0] !== 0x31) return primitives.hmacSha256(key, message);
        tried.push(message.at(-1) as number);
        if (tried.length === 1) return new Uint8Array(32);
        if (tried.length === 2) return new Uint8Array(32).fill(0xff);
        return primitives.hmacSha256(key, message);
      },
    };
    const key = deriveDeviceKey(stubborn, seed, dataset, 7);
    assert.deepEqual(tried, [0, 1, 2]);
    const message = Buffer.concat([Buffer.from('31', 'hex'), Buffer.alloc(32, 0xab), Buffer.from('0000000702', 'hex')]);
    const root = branch(primitives, seed, 'plumbline/2/devices');
    assert.deepEqual(Buffer.from(key), createHmac('sha256', root).update(message).digest());
    const broken = { hmacSha256: () => new Uint8Array(32) };
    assert.throws(() => deriveDeviceKey(broken, seed, dataset, 7), ArgumentError);
  });

  it('are found again by trying the known serials downwards', () => {
    const device = accountOfKey(deriveDeviceKey(primitives, seed, dataset, 20));
    assert.equal(serialOfDevice(primitives, seed, dataset, device, [10, 30, 20, 20]), 20);
    assert.equal(serialOfDevice(primitives, seed, dataset, device, [10, 30]), null);
    assert.equal(serialOfDevice(primitives, seed, other, device, [20]), null);
    assert.equal(serialOfDevice(primitives, seed, dataset, device, []), null);
  });
});

describe('secrets of consumers and agents', () => {
  it('have branches of their own, by the words of the page', () => {
    const mac = (key: Uint8Array, message: string): Uint8Array =>
      new Uint8Array(createHmac('sha256', key).update(Buffer.from(message, 'hex')).digest());
    const agreements = new Uint8Array(hkdfSync('sha256', seed, '', 'plumbline/2/agreements', 32));
    const id = `0x${'ef'.repeat(32)}` as AgreementId;
    assert.deepEqual(deriveConsumerSecrets(primitives, seed, id), {
      signerKey: mac(agreements, `40${'ef'.repeat(32)}`),
      encryptionSeed: mac(agreements, `41${'ef'.repeat(32)}`),
    });
    const agent = new Uint8Array(hkdfSync('sha256', seed, '', 'plumbline/2/agent', 32));
    const offersSecret = mac(agent, '43');
    assert.deepEqual(deriveAgentSecrets(primitives, seed), { agentKey: mac(agent, '42'), offersSecret });
    assert.deepEqual(deriveOfferSeed(primitives, offersSecret, 258n), mac(offersSecret, '440000000000000102'));
  });
});

describe('bounds', () => {
  it('are those of the design', () => {
    assert.deepEqual(
      { ...limits },
      {
        CHUNK_BYTES: 1024,
        MAX_BLOCK_BYTES: 1_048_576,
        GCM_TAG_BYTES: 16,
        MAX_CONTENT_BYTES: 1_048_560,
        MAX_BATCH_BLOCKS: 1024,
        MAX_BATCH_BYTES: 33_554_432,
        MAX_MANIFEST_BYTES: 1_048_576,
        MAX_META_BYTES: 512,
        MAX_SEGMENT_BYTES: 33_554_432 + 1_048_576 + 41_984 + 128,
        MAX_LOG_BLOCKS: 281_474_976_710_656,
        MAX_GROWTH_BLOCKS: 268_435_456,
        RECORD_BYTES: 96,
        MAX_NAME_BYTES: 32,
        MAX_OBJECT_KEY_BYTES: 1024,
        MAX_VERSION_ID_BYTES: 1024,
        MAX_RECORD_BLOCKS: 512,
        MAX_REQUEST_STORED_BYTES: 67_108_864,
      },
    );
    assert.deepEqual([NATIVE_COIN, NO_ACCOUNT], [`0x${'00'.repeat(20)}`, `0x${'00'.repeat(20)}`]);
    assert.equal(uintWord(255n, 8)[31], 255);
    assert.throws(() => uintWord(256n, 8), ArgumentError);
    assert.throws(() => uintWord(-1n, 8), ArgumentError);
  });
});

describe('linked objects', () => {
  const key = auditKey(primitives, primitives.sha256(Uint8Array.of(1)) as DatasetKey);
  const objects = [
    { cid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy', meta: encodeMeta({ at: 1 }) },
    { cid: 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG', meta: encodeMeta({ at: 2, name: 'x' }) },
  ];
  const sealed = sealLinkedObjects(primitives, { serial: 0xfffffffe, auditKey: key }, dataset, 5, objects);

  it('begin with the serial of the device whose audit key opens them', () => {
    assert.equal(linkSerial(sealed), 0xfffffffe);
    assert.deepEqual(openLinkedObjects(primitives, key, dataset, { first: 5, count: 2 }, sealed), objects);
    assert.throws(() => linkSerial(new Uint8Array(3)), ArgumentError);
  });

  it('are one object to 64 KiB, each a CID with a meta', () => {
    const seal = (list: readonly { cid: string; meta: Uint8Array }[]) =>
      sealLinkedObjects(primitives, { serial: 1, auditKey: key }, dataset, 0, list);
    const [one] = objects as [(typeof objects)[number]];
    assert.throws(() => seal([]), ArgumentError);
    assert.equal(linkSerial(seal([one])), 1);
    assert.throws(() => seal(new Array(1500).fill(one)), /Link fewer at once/);
    seal(new Array(1400).fill(one));
    assert.throws(() => seal([{ ...one, cid: 'bafy?' }]), ArgumentError);
    assert.throws(() => seal([{ ...one, meta: new Uint8Array(3) }]), ArgumentError);
  });

  it('are encrypted as the page says, and refused when what is inside is something else', () => {
    const iv = sealed.subarray(4, 16);
    const own = createHmac('sha256', key).update(Uint8Array.of(0x15)).digest();
    const aad = Buffer.from(`${'ab'.repeat(32)}000000000000000500000002`, 'hex');
    const plaintext = primitives.openAesGcm(own, iv, aad, sealed.subarray(16)) as Uint8Array;
    const [first, second] = dagCbor.decode(plaintext) as [[Uint8Array, Uint8Array], [Uint8Array, Uint8Array]];
    assert.deepEqual(first[1], objects[0]?.meta);
    const open = (inside: unknown, bytes = dagCbor.encode(inside)): unknown => {
      const message = concatBytes(sealed.subarray(0, 16), primitives.sealAesGcm(own, iv, aad, bytes));
      return openLinkedObjects(primitives, key, dataset, { first: 5, count: 2 }, message);
    };
    assert.deepEqual(open([first, second]), objects);
    for (const wrong of [
      [first],
      [first, second, second],
      { 0: first, 1: second },
      'text',
      [first, [second[0]]],
      [first, [second[0], second[1], 1]],
      [first, [second[0], 'meta']],
      [first, ['cid', second[1]]],
      [first, [new Uint8Array(129), second[1]]],
      [first, [Uint8Array.of(1), second[1]]],
      [first, [second[0], Uint8Array.of(0xa0)]],
    ]) {
      assert.throws(() => open(wrong), ArgumentError, JSON.stringify(wrong));
    }
    assert.throws(() => open(null, concatBytes(Uint8Array.of(0x98, 2), plaintext.subarray(1))), ArgumentError);
    assert.throws(() => open(null, Uint8Array.of(0xff)), /not dag-cbor/);
  });

  it('open for nobody else, and for no other blocks', () => {
    const wrong = auditKey(primitives, primitives.sha256(Uint8Array.of(2)) as DatasetKey);
    const open = (range: { first: number; count: number }, bytes = sealed, by = key, of = dataset) =>
      openLinkedObjects(primitives, by, of, range, bytes);
    assert.throws(() => open({ first: 5, count: 2 }, sealed, wrong), KeyError);
    assert.throws(() => open({ first: 6, count: 2 }), KeyError);
    assert.throws(() => open({ first: 5, count: 1 }), KeyError);
    assert.throws(() => open({ first: 5, count: 2 }, sealed, key, other), KeyError);
    assert.throws(() => open({ first: 5, count: 2 }, sealed.subarray(0, -1)), KeyError);
    assert.throws(() => open({ first: 5, count: 2 }, sealed.subarray(0, 9)), KeyError);
  });
});
