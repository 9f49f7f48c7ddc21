import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decryptContent, encryptContent } from '../../core/block/content-cipher.ts';
import {
  batchNonce,
  commitContent,
  contentBatchKey,
  contentKey,
  PLAIN_COMMITMENT,
  readKey,
} from '../../core/block/content-keys.ts';
import { blockDigest, openBlock } from '../../core/block/digest.ts';
import { type BlockMeta, decodeMeta, encodeMeta } from '../../core/block/meta.ts';
import { auditKey, batchSalt, blockKeys, commitKey, openDigest, sealDigest } from '../../core/block/seal.ts';
import { fromHex, to0x } from '../../core/bytes.ts';
import {
  type Charter,
  charterHash,
  datasetOfCharter,
  requireCharterSignature,
  signCharter,
} from '../../core/charter/charter.ts';
import { charterKey, decodeCharter, encodeCharter, parseCharterKey } from '../../core/charter/charter-file.ts';
import { deriveDatasetId } from '../../core/charter/dataset-id.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import { type Address, address, type DatasetKey, datasetId, type LogRoot, type PrivateKey } from '../../core/ids.ts';
import { deriveDatasetKey, deriveDeviceKey } from '../../core/keys.ts';
import { type Head, headHash, recoverHeadSigner, signHead } from '../../core/log/head.ts';
import { parseRecord, recordBytes } from '../../core/log/record.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { BOTH } from './both-primitives.ts';
import { hex, readVectors, vectorBytes, withBytes } from './read-vectors.ts';

interface Domain {
  chainId: number;
  verifyingContract: string;
}
const domainOf = ({ chainId, verifyingContract }: Domain) => ({ chainId, dissc: address(verifyingContract) });

const metas = readVectors<{
  valid: { meta: Record<string, unknown>; bytes: string }[];
  invalid: { name: string; reason: string; bytes: string }[];
}>('meta');
const heads = readVectors<{
  good: { domain: Domain; head: HeadJson; hash: string; privateKey: string; signer: string; signature: string }[];
  bad: { name: string; fault: 'form' | 'signer'; domain: Domain; head: HeadJson; signer: string; signature: string }[];
}>('heads');
interface HeadJson {
  dataset: string;
  size: string;
  root: string;
}
const headOf = (json: HeadJson): Head => ({
  dataset: datasetId(json.dataset),
  size: Number(json.size),
  root: hex(json.root) as LogRoot,
});
const keys = readVectors<{
  owners: {
    seed: string;
    owner: { address: string };
    datasets: {
      chainId: number;
      dissc: string;
      owner: string;
      name: string;
      kind: DatasetKind;
      dataset: string;
      devices: {
        serial: number;
        datasetKey: string;
        auditKey: string;
        readKey: string;
        devicePrivateKey: string;
        device: string;
      }[];
    }[];
  }[];
}>('keys');
const sealing = readVectors<{
  cases: {
    dataset: string;
    datasetKey: string;
    auditKey: string;
    readKey: string;
    first: string;
    sizes: number[];
    content: string;
    meta: string;
    random16: string;
    nonce: string | null;
    contentBatchKey: string | null;
    salt: string;
    blocks: {
      index: string;
      contentKey: string | null;
      stored: string;
      digest: string;
      blockKey: string;
      sealed: string;
      commitment: string;
      contentCommitment: string;
      record: string;
    }[];
  }[];
}>('sealing');
const charters = readVectors<{
  domain: Domain;
  owner: string;
  ownerPrivateKey: string;
  good: {
    charter: {
      owner: string;
      name: string;
      kind: DatasetKind;
      device: string;
      anchorer: string;
      serial: number;
      from: string;
    };
    dataset: string;
    hash: string;
    signature: string;
    file: string;
    fileWithoutSignature: string;
    key: string;
  }[];
  malformed: { name: string; bytes: string }[];
}>('charters');

for (const { name, primitives } of BOTH) {
  describe(`format vectors on ${name}`, () => {
    it('dataset ids, dataset keys and device keys', () => {
      for (const { seed, datasets } of keys.owners) {
        for (const { chainId, dissc, owner, name: text, kind, dataset, devices } of datasets) {
          const id = deriveDatasetId({ chainId, dissc: address(dissc) }, address(owner), hex(text), kind);
          assert.equal(id, dataset);
          for (const device of devices) {
            const secret = deriveDatasetKey(primitives, hex(seed), id, device.serial);
            assert.equal(to0x(secret), device.datasetKey);
            assert.equal(to0x(auditKey(primitives, secret)), device.auditKey);
            assert.equal(to0x(readKey(primitives, secret)), device.readKey);
            const key = deriveDeviceKey(primitives, hex(seed), id, device.serial);
            assert.equal(to0x(key), device.devicePrivateKey);
            assert.equal(accountOfKey(key), device.device);
          }
        }
      }
    });

    it('sealing: nonce, keys, stored blocks, salt, seals and records', () => {
      for (const one of sealing.cases) {
        const dataset = datasetId(one.dataset);
        const first = Number(one.first);
        const secret = hex(one.datasetKey) as DatasetKey;
        const [audit, read] = [auditKey(primitives, secret), readKey(primitives, secret)];
        assert.equal(to0x(audit), one.auditKey);
        assert.equal(to0x(read), one.readKey);
        const contents = one.sizes.map((size, i) => vectorBytes({ seed: `${one.content}/${i}`, size }));
        const nonce = one.nonce === null ? null : batchNonce(primitives, read, hex(one.random16), first, contents);
        assert.equal(nonce && to0x(nonce), one.nonce);
        const batchKey = nonce && contentBatchKey(primitives, read, nonce);
        assert.equal(batchKey && to0x(batchKey), one.contentBatchKey);
        const own = contents.map((_, i) => batchKey && contentKey(primitives, batchKey, first + i));
        const stored = contents.map((content, i) => {
          const key = own[i];
          return key ? encryptContent(primitives, key, { dataset, index: first + i }, content) : content;
        });
        const digests = stored.map((bytes, i) =>
          blockDigest(primitives, { dataset, index: first + i }, openBlock(primitives, bytes, hex(one.meta))),
        );
        const salt = batchSalt(primitives, audit, first, digests);
        assert.equal(to0x(salt), one.salt);
        const keyOf = blockKeys(primitives, audit, salt);
        for (const block of one.blocks) {
          const index = Number(block.index);
          const [content, key, digest] = [contents[index - first]!, own[index - first], digests[index - first]!];
          assert.equal(key ? to0x(key) : null, block.contentKey);
          assert.equal(to0x(stored[index - first]!), block.stored);
          if (key) assert.deepEqual(decryptContent(primitives, key, { dataset, index }, hex(block.stored)), content);
          assert.equal(to0x(digest), block.digest);
          const blockKey = keyOf(index);
          assert.equal(to0x(blockKey), block.blockKey);
          const sealed = sealDigest(primitives, digest, blockKey);
          const commitment = commitKey(primitives, blockKey);
          const contentCommitment = key ? commitContent(primitives, key) : PLAIN_COMMITMENT;
          assert.deepEqual([sealed, commitment, contentCommitment].map(to0x), [
            block.sealed,
            block.commitment,
            block.contentCommitment,
          ]);
          const record = { sealed, commitment, contentCommitment };
          assert.equal(to0x(recordBytes(record)), block.record);
          assert.deepEqual(parseRecord(hex(block.record)), record);
          assert.deepEqual(openDigest(primitives, sealed, commitment, blockKey), digest);
        }
      }
    });
  });
}

describe('format vectors', () => {
  it('metas, and what is refused for one', () => {
    for (const { meta, bytes } of metas.valid) {
      const value = withBytes<BlockMeta>(meta);
      assert.equal(to0x(encodeMeta(value)), bytes);
      assert.deepEqual(decodeMeta(hex(bytes)), value);
    }
    assert.ok(metas.invalid.length >= 80);
    for (const { name, bytes } of metas.invalid) {
      assert.throws(() => decodeMeta(hex(bytes)), ArgumentError, name);
    }
  });

  it('heads: hash, signature and signer', () => {
    for (const { domain, head, hash, privateKey, signer, signature } of heads.good) {
      assert.equal(to0x(headHash(domainOf(domain), headOf(head))), hash);
      assert.equal(to0x(signHead(domainOf(domain), headOf(head), hex(privateKey) as PrivateKey)), signature);
      assert.equal(recoverHeadSigner(domainOf(domain), headOf(head), hex(signature)), signer);
    }
    for (const { name, fault, domain, head, signer, signature } of heads.bad) {
      const recover = (): Address => recoverHeadSigner(domainOf(domain), headOf(head), hex(signature));
      if (fault === 'form') assert.throws(recover, ProofError, name);
      else assert.notEqual(recover(), signer, name);
    }
  });

  it('charters: id, hash, signature, file and key', () => {
    const domain = domainOf(charters.domain);
    for (const one of charters.good) {
      const charter: Charter = {
        ...one.charter,
        owner: address(one.charter.owner),
        name: hex(one.charter.name),
        device: address(one.charter.device),
        anchorer: address(one.charter.anchorer),
        from: Number(one.charter.from),
      };
      const signature = signCharter(domain, charter, fromHex(charters.ownerPrivateKey) as PrivateKey);
      assert.equal(to0x(signature), one.signature);
      assert.equal(to0x(charterHash(domain, charter)), one.hash);
      requireCharterSignature(domain, { ...charter, signature });
      assert.equal(datasetOfCharter(domain, charter), one.dataset);
      assert.equal(to0x(encodeCharter({ ...charter, signature })), one.file);
      assert.equal(to0x(encodeCharter({ ...charter, signature: null })), one.fileWithoutSignature);
      assert.deepEqual(decodeCharter(hex(one.file)), { ...charter, signature });
      assert.equal(charterKey(datasetId(one.dataset), charter.serial), one.key);
      assert.deepEqual(parseCharterKey(one.key), { dataset: one.dataset, serial: charter.serial });
    }
    assert.ok(charters.malformed.length >= 60);
    for (const { name, bytes } of charters.malformed) {
      assert.throws(() => decodeCharter(hex(bytes)), ArgumentError, name);
    }
  });
});
