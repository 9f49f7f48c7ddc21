import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as CarWriter from '@ipld/car/buffer-writer';
import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { rawCid, sha256Cid } from '../../core/batch/manifest.ts';
import { to0x } from '../../core/bytes.ts';
import type { Sha256 } from '../../core/ids.ts';
import { BOTH } from './both-primitives.ts';
import { hex, readVectors } from './vector-bytes.ts';

interface CidFile {
  cases: { name: string; codec: number; data: string; cid: string; bytes: string }[];
}
interface CborFile {
  cases: { value: unknown; bytes: string }[];
}
interface CarFile {
  car: string;
  sha256: string;
  roots: string[];
  sections: { cid: string; offset: number; size: number; data: string }[];
}

const car = readVectors<CarFile>('published/car');

for (const { name, primitives } of BOTH) {
  describe(`published CIDs and CARs on ${name}`, () => {
    for (const vector of readVectors<CidFile>('published/cid').cases) {
      it(`CID: ${vector.name}`, () => {
        const hash = primitives.sha256(hex(vector.data)) as Sha256;
        const cid = sha256Cid(vector.codec, hash);
        assert.equal(cid.toString(), vector.cid);
        assert.equal(to0x(cid.bytes), vector.bytes);
        if (vector.codec === 0x55) assert.equal(rawCid(hash).toString(), vector.cid);
      });
    }

    it('carv1-basic has the published checksum', () => {
      assert.equal(to0x(primitives.sha256(hex(car.car))), car.sha256);
    });
  });
}

describe('the CAR and dag-cbor parts that segments are made with', () => {
  it('write carv1-basic byte for byte, with the offsets that arithmetic gives', () => {
    const wanted = hex(car.car);
    const roots = car.roots.map((cid) => CID.decode(hex(cid)));
    const writer = CarWriter.createWriter(new ArrayBuffer(wanted.length), { roots: roots as never });
    for (const section of car.sections) {
      const data = hex(section.data);
      writer.write({ cid: CID.decode(hex(section.cid)) as never, bytes: data });
      assert.equal(writer.byteOffset - data.length, section.offset);
      assert.deepEqual(wanted.subarray(section.offset, section.offset + section.size), data);
    }
    assert.deepEqual(writer.close(), wanted);
  });

  it('encode and decode the examples of RFC 8949', () => {
    for (const { value, bytes } of readVectors<CborFile>('published/dag-cbor').cases) {
      assert.equal(to0x(dagCbor.encode(value)), bytes);
      assert.deepEqual(dagCbor.decode(hex(bytes)), value);
    }
  });
});
