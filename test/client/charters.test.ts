import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { findCharters } from '../../client/owner/find-charters.ts';
import { type CharteringOwner, openDatasets, type WantedDataset } from '../../client/owner/open-datasets.ts';
import { replaceDevice } from '../../client/owner/replace-device.ts';
import { type Charter, datasetOfCharter, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { charterKey, encodeCharter } from '../../core/charter/charter-file.ts';
import { RequestRefusedError, StateError, StoreUnavailableError } from '../../core/errors.ts';
import { address, type DatasetId, type LogRoot, type PrivateKey } from '../../core/ids.ts';
import { deriveDeviceKey } from '../../core/keys.ts';
import type { Head } from '../../core/log/head.ts';
import type { ChainCharter, Ledger, RecordedEvent } from '../../core/ports/ledger.ts';
import type { DatasetAnchor } from '../../core/ports/service.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { ListBatchesResponse } from '../../core/wire/requests.ts';
import { MemoryBucket } from './memory-bucket.ts';

const domain = { chainId: 31337, dissc: address(`0x${'d1'.repeat(20)}`) };
const NOW = 1_790_000_000;
const privateKey = new Uint8Array(32).fill(5) as PrivateKey;
const OWNER: CharteringOwner = { address: accountOfKey(privateKey), privateKey, seed: new Uint8Array(64).fill(6) };
const THIEF = new Uint8Array(32).fill(66) as PrivateKey;

/** A chain, a service and a bucket, as far as charters go. */
class World {
  readonly chartered: ChainCharter[] = [];
  readonly recorded: RecordedEvent[] = [];
  readonly shown = new Map<DatasetId, SignedCharter[]>();
  readonly bucket = new MemoryBucket();
  readonly sent: SignedCharter[][] = [];
  lines: ListBatchesResponse['batches'] = [];
  serviceIsDown = false;
  nowSeconds = NOW;
  chainSeconds = NOW;

  readonly #point = () => ({
    blockNumber: 100 + this.chartered.length,
    blockHash: '0xbb',
    timestampMs: 1000 * this.chainSeconds,
  });

  readonly ledger: Ledger = {
    domain,
    readHeads: async (datasets) => ({ point: this.#point(), heads: datasets.map((dataset) => this.#headOf(dataset)) }),
    readDevices: async (datasets) => ({
      point: this.#point(),
      devices: datasets.map((dataset) => {
        const newest = this.chartered.findLast((event) => event.dataset === dataset)?.charter;
        return newest === undefined ? null : { device: newest.device, serial: newest.serial };
      }),
    }),
    findRecorded: async (dataset) => this.recorded.filter((event) => event.dataset === dataset),
    findChartered: async (query) =>
      this.chartered.filter((event) =>
        'dataset' in query ? event.dataset === query.dataset : event.charter.owner === query.owner,
      ),
  };

  readonly service = {
    getAnchor: async (dataset: DatasetId): Promise<DatasetAnchor> => {
      this.#answer();
      const charter = this.shown.get(dataset)?.at(-1);
      if (charter === undefined)
        throw new RequestRefusedError('Unknown.', { type: '/problems/not-found', status: 404 });
      return { charter, head: null, round: null, final: null, growth: [] };
    },
    /** Keeps the first it is shown, and those that the chain has. */
    putCharter: async (dataset: DatasetId, charter: SignedCharter) => {
      this.#answer();
      const kept = this.shown.get(dataset) ?? [];
      const isOnChain = this.chartered.some((event) => event.charter.serial === charter.serial);
      if (kept.some(({ serial }) => serial === charter.serial)) return { stored: false };
      if (kept.length > 0 && !isOnChain) {
        throw new RequestRefusedError('Not on the chain.', { type: '/problems/charter-not-on-chain', status: 409 });
      }
      this.shown.set(dataset, [...kept, charter]);
      return { stored: true };
    },
    listBatches: async (): Promise<ListBatchesResponse> => {
      this.#answer();
      const head = { size: 0, root: '0x' };
      return { recorded: head, final: head, round: null, batches: this.lines, next: null };
    },
  };

  readonly chain = {
    recordCharters: async (charters: readonly SignedCharter[]) => {
      this.sent.push([...charters]);
      for (const { signature: _, ...charter } of charters) this.charter(charter);
      return [{ txHash: `0x${this.sent.length}`, blockNumber: 100, gasUsed: 1n, feeWei: 1n }];
    },
  };

  readonly sources = { ledger: this.ledger, fromBlock: 0, service: this.service, bucket: this.bucket };

  charter(charter: Charter): void {
    const dataset = datasetOfCharter(domain, charter);
    this.chartered.push({ dataset, charter, blockNumber: 101 + this.chartered.length, logIndex: 0, txHash: '0x' });
  }

  open(wanted: Partial<WantedDataset>[], owner = OWNER) {
    const deps = { primitives, sources: this.sources, nowSeconds: () => this.nowSeconds };
    return openDatasets(
      deps,
      owner,
      wanted.map((one) => ({ name: 'weather', kind: 0, anchorer: null, kept: [], ...one })),
    );
  }

  /** One dataset, and its first charter. */
  async openOne() {
    const [opened] = await this.open([{}]);
    assert.ok(opened !== undefined);
    return { opened, dataset: opened.dataset, first: opened.charters[0] };
  }

  #headOf(dataset: DatasetId): Head {
    const last = this.recorded.findLast((event) => event.dataset === dataset);
    return { dataset, size: last?.size ?? 0, root: last?.root ?? (new Uint8Array(32) as LogRoot) };
  }

  #answer(): void {
    if (this.serviceIsDown) throw new StoreUnavailableError('The service is down.');
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe('opening datasets', () => {
  it('is a signature: nothing is sent, and the service is shown the charter', async () => {
    const [one] = await world.open([{}]);
    assert.ok(one?.isNew && one.unshown === null);
    const [charter] = one.charters;
    assert.deepEqual([charter.serial, charter.from, charter.owner], [NOW, 0, OWNER.address]);
    assert.equal(charter.device, accountOfKey(deriveDeviceKey(primitives, OWNER.seed, one.dataset, NOW)));
    assert.deepEqual(world.shown.get(one.dataset), [charter]);
    assert.deepEqual(world.sent, []);
  });

  it('comes back the same on another machine, from the service, and from the chain alone', async () => {
    const { first } = await world.openOne();
    world.nowSeconds += 1000;
    const { opened } = await world.openOne();
    assert.deepEqual([opened.isNew, opened.charters], [false, [first]]);

    const { signature: _, ...charter } = first;
    world.charter(charter);
    world.shown.clear();
    world.serviceIsDown = true;
    const [onChain] = await world.open([{}]);
    assert.deepEqual(
      [onChain?.isNew, onChain?.charters.map(({ device, serial }) => [device, serial])],
      [false, [[charter.device, charter.serial]]],
    );
  });

  it('works without a service, which is told', async () => {
    world.serviceIsDown = true;
    const [one] = await world.open([{}]);
    assert.ok(one?.isNew);
    assert.match(one.unshown ?? '', /down/);
  });

  it('gives each of many its own device, also within one second', async () => {
    const opened = await world.open(Array.from({ length: 30 }, (_, i) => ({ name: `pump-${i}` })));
    assert.equal(new Set(opened.map(({ charters }) => charters[0].device)).size, 30);
  });

  it('refuses a clock that is ahead of the chain by more than a day', async () => {
    world.nowSeconds += 86_401;
    await assert.rejects(world.open([{}]), StateError);
    world.nowSeconds -= 1;
    assert.equal((await world.open([{}])).length, 1);
  });
});

describe('replacing a device', () => {
  const replace = (dataset: DatasetId, from: number | null) =>
    replaceDevice(
      { primitives, sources: world.sources, chain: world.chain, nowSeconds: () => world.nowSeconds },
      OWNER,
      { dataset, kept: [], from },
    );
  const record = (dataset: DatasetId, size: number, signer: string): void => {
    world.recorded.push({
      dataset,
      size,
      root: new Uint8Array(32).fill(size) as LogRoot,
      appended: [],
      signer: address(signer),
      blockNumber: size,
      logIndex: 0,
      txHash: `0x${size}`,
    });
  };

  it('sends a charter of a higher serial, with the first one, and tells the service', async () => {
    const { dataset, first } = await world.openOne();
    record(dataset, 8, first.device);
    const { charter, charters, disowned, unshown } = await replace(dataset, null);
    // Also when it is done within the very second of the first.
    assert.deepEqual([charter.serial, charter.from], [NOW + 1, 8]);
    assert.equal(charter.device, accountOfKey(deriveDeviceKey(primitives, OWNER.seed, dataset, NOW + 1)));
    assert.deepEqual(world.sent, [[first, charter]]);
    assert.deepEqual([charters.length, disowned, unshown], [2, [], null]);
    assert.deepEqual(world.shown.get(dataset)?.at(-1), charter);

    world.nowSeconds += 50;
    const next = await replace(dataset, null);
    assert.deepEqual(
      [next.charter.serial, world.sent.at(-1)],
      [NOW + 50, [next.charter]],
      'those on the chain are not sent again',
    );
  });

  it('names what is disowned, recorded and stored', async () => {
    const { dataset, first } = await world.openOne();
    for (const size of [4, 8, 12]) record(dataset, size, first.device);
    world.lines = [{ ...LINE, first: 12, count: 3 }];
    const { disowned, disownedStored } = await replace(dataset, 6);
    assert.deepEqual(
      disowned.map(({ from, to, signer, blockNumber }) => [from, to, signer, blockNumber]),
      [
        [6, 7, first.device, 8],
        [8, 11, first.device, 12],
      ],
    );
    assert.deepEqual(disownedStored, { from: 12, to: 14 });
  });

  it('by default the new device goes on behind what is stored', async () => {
    const { dataset } = await world.openOne();
    world.lines = [{ ...LINE, first: 0, count: 5 }];
    assert.equal((await replace(dataset, null)).charter.from, 5);
  });

  it('where nobody says how much is stored, the block has to be named', async () => {
    const { dataset } = await world.openOne();
    const { listBatches } = world.service;
    world.service.listBatches = () => Promise.reject(new StoreUnavailableError('Down.'));
    await assert.rejects(replace(dataset, null), /--from/);
    assert.deepEqual(world.sent, []);
    assert.equal((await replace(dataset, 7)).charter.from, 7);
    world.service.listBatches = listBatches;
  });

  it('two charters that the owner signed under one serial are none: the next serial is higher than both', async () => {
    const { dataset, first } = await world.openOne();
    const other = signed({ ...first, serial: NOW + 500, from: 1 });
    const another = signed({ ...first, serial: NOW + 500, from: 2 });
    const { charter } = await replaceDevice(
      { primitives, sources: world.sources, chain: world.chain, nowSeconds: () => world.nowSeconds },
      OWNER,
      { dataset, kept: [other, another], from: 3 },
    );
    assert.equal(charter.serial, NOW + 501);
  });
});

describe('finding charters again', () => {
  it('from the chain, the bucket and the service, each by itself', async () => {
    const opened = await world.open([{ name: 'chain' }, { name: 'bucket', kind: 1 }, { name: 'service', kind: 2 }]);
    const [onChain, inBucket, atService] = opened.map(({ charters }) => charters[0]) as [
      SignedCharter,
      SignedCharter,
      SignedCharter,
    ];
    const { signature: _, ...charter } = onChain;
    world.charter(charter);
    const [, second, third] = opened.map(({ dataset }) => dataset) as [DatasetId, DatasetId, DatasetId];
    for (const dataset of world.shown.keys()) if (dataset !== third) world.shown.delete(dataset);
    world.bucket.objects.set(charterKey(second, inBucket.serial), encodeCharter(inBucket));
    const found = await findCharters(world.sources, OWNER.address, { all: true, datasets: [third], kept: [] });
    assert.deepEqual(found.problems, []);
    assert.deepEqual(
      new Map(found.datasets.map(({ dataset, charters }) => [dataset, charters])),
      new Map([
        [opened[0]?.dataset, [{ ...onChain, signature: null }]],
        [second, [inBucket]],
        [third, [atService]],
      ]),
    );
  });

  it('believes no charter that the owner has not signed, nor one under the name of another dataset', async () => {
    const { dataset, first } = await world.openOne();
    const forged = { ...first, device: accountOfKey(THIEF), serial: NOW - 5 };
    world.shown.set(dataset, [{ ...forged, signature: signCharter(domain, forged, THIEF) }]);
    world.bucket.objects.set(
      charterKey(dataset, forged.serial),
      encodeCharter({ ...forged, signature: first.signature }),
    );
    world.bucket.objects.set(charterKey(dataset, first.serial), encodeCharter(first));
    world.bucket.objects.set(charterKey(dataset, 77), new Uint8Array(9));
    const found = await findCharters(world.sources, OWNER.address, { all: true, datasets: [dataset], kept: [] });
    assert.deepEqual(
      found.datasets.map(({ charters }) => charters),
      [[first]],
    );
  });

  it('a service that is down is told, and hides nothing that others have', async () => {
    const { first } = await world.openOne();
    const kept = [first];
    world.serviceIsDown = true;
    const found = await findCharters(world.sources, OWNER.address, { all: true, datasets: [], kept });
    assert.deepEqual(
      found.datasets.map(({ charters }) => charters),
      [kept],
    );
    assert.match(found.problems.join(), /down/);
  });
});

const LINE: ListBatchesResponse['batches'][number] = {
  first: 0,
  count: 1,
  serial: NOW,
  key: 'x',
  sizeBytes: 1,
  state: 'received',
  reason: null,
  lost: false,
  tx: null,
  root: null,
  fromMs: 1,
  toMs: 2,
  receivedAtMs: 3,
};

function signed(charter: Charter): SignedCharter {
  return { ...charter, signature: signCharter(domain, charter, privateKey) };
}
