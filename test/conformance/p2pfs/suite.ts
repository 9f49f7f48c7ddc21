import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { create, type KuboRPCClient } from 'kubo-rpc-client';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createKuboP2pfs } from '../../../adapters/ipfs/kubo-p2pfs.ts';
import { rawCid } from '../../../core/batch/manifest.ts';
import { manifestCid } from '../../../core/batch/manifest-cid.ts';
import { frontBytesOf, readSegment } from '../../../core/batch/read-segment.ts';
import { type SealedBatch, sealBatch } from '../../../core/batch/seal-batch.ts';
import { AnswerError, type PlumblineError, StoreUnavailableError } from '../../../core/errors.ts';
import { EMPTY_PEAKS } from '../../../core/log/peaks.ts';
import { WRITER } from '../../core/honest-storage.ts';

/** For what must be answered, also on a busy machine. */
const PATIENCE_MS = 60_000;
/** For what nobody answers. */
const SHORT_PATIENCE_MS = 1_500;
/** Everything that goes wrong is said within this. */
const SAID_WITHIN_MS = 10_000;

/** What every P2PFS must do, through our port and through kubo-rpc-client as other tools use it. */
export function p2pfsConformance(name: string, apiUrl: () => string): void {
  describe(`P2PFS: ${name}`, { timeout: 120_000 }, () => {
    let node: ReturnType<typeof createKuboP2pfs>;
    let hasty: ReturnType<typeof createKuboP2pfs>;
    let client: KuboRPCClient;
    before(() => {
      node = createKuboP2pfs({ apiUrl: apiUrl(), timeoutMs: PATIENCE_MS, importTimeoutMs: PATIENCE_MS });
      hasty = createKuboP2pfs({ apiUrl: apiUrl(), timeoutMs: SHORT_PATIENCE_MS, importTimeoutMs: 5_000 });
      client = create({ url: apiUrl() });
    });
    after(() => {
      node.close();
      hasty.close();
    });

    const sealed = (sizes: readonly number[]): SealedBatch => {
      const captured = sizes.map((size, at) => ({ content: new Uint8Array(randomBytes(size)), meta: { at } }));
      return sealBatch(nodePrimitives, WRITER, EMPTY_PEAKS, captured, new Uint8Array(randomBytes(16)));
    };
    const failsWith = async (kind: typeof PlumblineError | readonly unknown[], work: Promise<unknown>) => {
      const started = performance.now();
      await assert.rejects(work, (error) => {
        const kinds = Array.isArray(kind) ? kind : [kind];
        return kinds.some((one) => error instanceof one);
      });
      assert.ok(performance.now() - started < SAID_WITHIN_MS, 'it took too long to say so');
    };

    it('says who it is', async () => {
      const { id, agentVersion } = await client.id();
      assert.match(id.toString(), /^12D3Koo|^Qm|^k51/);
      assert.equal(typeof agentVersion, 'string');
    });

    it('imports a segment under the hashes it has, pins it, and does so again', async () => {
      const batch = sealed([1, 1000, 300_000, 2 ** 20 - 16, 1000]);
      const root = manifestCid(nodePrimitives, batch.manifest);
      for (let time = 0; time < 2; time++) assert.deepEqual(await node.importCar(batch.segment.car), { root });
      const pinned: string[] = [];
      for await (const pin of node.pinnedRoots()) pinned.push(pin);
      assert.equal(pinned.filter((pin) => pin === root).length, 1);
      assert.equal(await node.hasWhole(root), true);
      const { blocks, manifest } = readSegment(nodePrimitives, batch.segment.car);
      for (const [number, line] of manifest.blocks.entries()) {
        const cid = rawCid(line.sha256).toString();
        assert.deepEqual(await node.nameBlock(cid), { cid, sizeBytes: line.size });
        assert.deepEqual(await node.getBlock(cid, 2 ** 20), blocks[number]);
        assert.deepEqual(await node.readFile(cid, 2 ** 20), blocks[number]);
      }
      const front = batch.segment.car.subarray(0, frontBytesOf(batch.segment.car));
      const stored = (await node.getBlock(root, 2 ** 20)) as Uint8Array;
      assert.deepEqual(stored, front.subarray(front.length - stored.length));
    });

    it('imports a segment of 1,024 blocks', async () => {
      const batch = sealed(Array.from({ length: 1024 }, () => 100));
      const { root } = await node.importCar(batch.segment.car);
      assert.equal(await node.hasWhole(root), true);
    });

    it('refuses a segment with a changed byte, and one that is cut inside a block', async () => {
      const { car } = sealed([5000, 5000]).segment;
      const changed = Uint8Array.from(car);
      changed[car.length - 7]! ^= 1;
      await failsWith(AnswerError, node.importCar(changed));
      await failsWith(AnswerError, node.importCar(car.subarray(0, car.length - 7)));
      await failsWith(AnswerError, node.importCar(new Uint8Array(randomBytes(500))));
    });

    it('says of a half import that it is none: a segment without its last block is not pinned', async () => {
      const batch = sealed([5000, 6000]);
      const root = manifestCid(nodePrimitives, batch.manifest);
      const last = readSegment(nodePrimitives, batch.segment.car).offsets[1] as number;
      // The frame begins with a two-byte length and a CID of 36.
      const half = batch.segment.car.subarray(0, last - 38);
      await failsWith([AnswerError, StoreUnavailableError], hasty.importCar(half));
      for await (const pin of node.pinnedRoots()) assert.notEqual(pin, root);
      assert.equal(await node.hasWhole(root), false);
      const [first, missing] = batch.manifest.blocks.map(({ sha256 }) => rawCid(sha256).toString());
      assert.notEqual(await node.nameBlock(first as string), null);
      assert.equal(await node.nameBlock(missing as string), null);
      // The rest of it makes it whole.
      assert.deepEqual(await node.importCar(batch.segment.car), { root });
      assert.equal(await node.hasWhole(root), true);
    });

    it('comes to an end about a block that nobody has', async () => {
      const cid = rawCid(new Uint8Array(randomBytes(32)) as never).toString();
      assert.equal(await node.nameBlock(cid), null);
      const started = performance.now();
      for (const find of [hasty.getBlock(cid, 1000), hasty.readFile(cid, 1000)]) {
        const found = await find.catch((error: unknown) => {
          assert.ok(error instanceof StoreUnavailableError);
          return null;
        });
        assert.equal(found, null);
      }
      assert.ok(performance.now() - started < SAID_WITHIN_MS);
    });

    it('gives content back that another tool put in with another chunker and another version', async () => {
      const content = new Uint8Array(randomBytes(700_001));
      const wholeLeaf = { chunker: 'size-1048576', rawLeaves: true, cidVersion: 1 } as const;
      const seen = new Set<string>();
      for (const options of [
        {},
        { chunker: 'size-1000', rawLeaves: true },
        { chunker: 'size-65536', cidVersion: 1 } as const,
        wholeLeaf,
      ]) {
        const { cid } = await client.add(content, options);
        assert.deepEqual(await node.readFile(cid.toString(), 2 ** 20), content);
        seen.add(cid.toString());
      }
      assert.equal(seen.size, 4);
      // One raw leaf up to 1 MiB is the block itself.
      assert.ok(seen.has(rawCid(nodePrimitives.sha256(content) as never).toString()));
    });

    it('spells the CIDs of added files as every other implementation', async () => {
      const { cid } = await client.add(new TextEncoder().encode('hello world\n'));
      assert.equal(cid.toString(), 'QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o');
    });

    it('reads no more than it is asked to', async () => {
      const { cid } = await client.add(new Uint8Array(5000));
      await failsWith(AnswerError, node.readFile(cid.toString(), 4999));
      assert.equal((await node.readFile(cid.toString(), 5000))?.length, 5000);
      const raw = await client.add(new Uint8Array(6000), { rawLeaves: true, cidVersion: 1 });
      await failsWith(StoreUnavailableError, node.getBlock(raw.cid.toString(), 5999));
    });

    it('stops when it is called off', async () => {
      const reason = new Error('enough');
      const off = AbortSignal.abort(reason);
      await assert.rejects(node.importCar(sealed([10]).segment.car, off), reason);
      await assert.rejects(node.hasWhole(manifestCid(nodePrimitives, sealed([10]).manifest), off), reason);
      await assert.rejects(node.readFile(rawCid(new Uint8Array(32) as never).toString(), 1, off), reason);
    });
  });

  describe(`P2PFS: ${name}, as it fails`, { timeout: 60_000 }, () => {
    for (const how of ['is not there', 'accepts and never answers', 'begins to answer and stops']) {
      it(`a node that ${how} is said to be unavailable in time`, async () => {
        const sockets = new Set<Socket>();
        const left = Promise.withResolvers<void>();
        const server = createServer((socket) => {
          sockets.add(socket);
          socket.on('error', () => undefined).resume();
          socket.on('close', () => {
            sockets.delete(socket);
            if (sockets.size === 0) left.resolve();
          });
          if (how.startsWith('begins')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"Key":');
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const { port } = server.address() as AddressInfo;
        if (how === 'is not there') await new Promise((resolve) => server.close(resolve));
        const failing = createKuboP2pfs({ apiUrl: `http://127.0.0.1:${port}`, timeoutMs: 300, importTimeoutMs: 300 });
        try {
          const cid = rawCid(new Uint8Array(32) as never).toString();
          const pins = async () => {
            for await (const _ of failing.pinnedRoots()) assert.fail('It lists a pin.');
          };
          await Promise.all(
            [
              () => failing.importCar(new Uint8Array(1000)),
              () => failing.hasWhole(cid),
              () => failing.nameBlock(cid),
              () => failing.getBlock(cid, 10_000),
              () => failing.readFile(cid, 10_000),
              pins,
            ].map(async (ask) => {
              const started = performance.now();
              await assert.rejects(ask(), StoreUnavailableError);
              assert.ok(performance.now() - started < 5_000);
            }),
          );
          // An open request would keep the process of whoever asked, long after it was told.
          if (how !== 'is not there' && sockets.size > 0) await left.promise;
        } finally {
          failing.close();
          for (const socket of sockets) socket.destroy();
          server.close();
        }
      });
    }
  });
}
