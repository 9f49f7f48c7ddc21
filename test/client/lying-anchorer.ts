import assert from 'node:assert/strict';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { readBlockTime } from '../../adapters/ethereum/read-chain-point.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { equalBytes } from '../../core/bytes.ts';
import { RequestRefusedError } from '../../core/errors.ts';
import type { DatasetId, LogRoot, MapRoot, RoundRoot } from '../../core/ids.ts';
import { buildGrowth } from '../../core/log/build-growth.ts';
import type { SignedHead } from '../../core/log/head.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import type { DatasetAnchor, ServiceRound } from '../../core/ports/service.ts';
import { buildNextRound, type LastRound } from '../../core/rounds/history.ts';
import { EMPTY_MAP, leafOfHead } from '../../core/rounds/map-leaf.ts';
import { proveInMap } from '../../core/rounds/prove-in-map.ts';
import { type RoundFront, roundBody } from '../../core/rounds/round.ts';
import { updateMap } from '../../core/rounds/update-map.ts';
import { MemoryPages } from '../core/memory-pages.ts';
import type { LogFixture, TestDataset, TestService } from '../functions/log-fixture.ts';

/** A log as the storage shows it. */
interface ShownLog {
  readonly dataset: TestDataset;
  readonly head: SignedHead;
  readonly leafHashes: readonly Uint8Array[];
}

interface MadeRound extends LastRound {
  readonly map: MapRoot;
  readonly heads: ReadonlyMap<DatasetId, SignedHead>;
  readonly txHash: string;
  /** What it says of itself; what later rounds are made of is the chain's. */
  readonly front: RoundFront;
}

/**
 * An account that writes rounds on a real DISSC and the storage beside it: both do as the test says. The formats are the
 * project's own; only what they hold is a lie.
 */
export class LyingAnchorer {
  readonly rounds: MadeRound[] = [];
  readonly asked: string[] = [];
  readonly #fixture: LogFixture;
  readonly #service: TestService;
  readonly #pages = new MemoryPages();
  readonly #heads = new Map<DatasetId, SignedHead>();
  readonly #logs = new Map<DatasetId, ShownLog>();
  #map: MapRoot = EMPTY_MAP;

  private constructor(fixture: LogFixture, service: TestService) {
    this.#fixture = fixture;
    this.#service = service;
  }

  static async open(fixture: LogFixture): Promise<LyingAnchorer> {
    return new LyingAnchorer(fixture, await fixture.service());
  }

  get account() {
    return this.#service.recorder.account;
  }

  reader() {
    return createDisscRounds(this.#fixture.chain);
  }

  /** The storage shows this log from now on. */
  show(dataset: TestDataset, batches: readonly SealedBatch[]): SignedHead {
    const { manifest } = batches.at(-1) as SealedBatch;
    const { serial, signature } = manifest;
    const head = { dataset: dataset.id, ...manifest.head, serial, signature };
    this.#logs.set(dataset.id, { dataset, head, leafHashes: batches.flatMap(({ leafHashes }) => leafHashes) });
    return head;
  }

  /** The next rounds hold this head; null: they leave the dataset out. */
  async put(dataset: DatasetId, head: SignedHead | null): Promise<void> {
    const leaf = head === null ? null : leafOfHead(nodePrimitives, head);
    this.#map = (await updateMap(nodePrimitives, this.#pages, this.#map, [{ dataset, leaf }])).map;
    if (head === null) this.#heads.delete(dataset);
    else this.#heads.set(dataset, head);
  }

  /** Shows a log, and puts its head into the next round. */
  async take(dataset: TestDataset, batches: readonly SealedBatch[]): Promise<SignedHead> {
    const head = this.show(dataset, batches);
    await this.put(dataset.id, head);
    return head;
  }

  /** Writes the next round, and waits until it is final; with a lie, one that says another number or history of itself. */
  async anchor(lie: { readonly number?: number; readonly history?: LogRoot } = {}): Promise<MadeRound> {
    const last = this.rounds.at(-1) ?? null;
    const next = buildNextRound(nodePrimitives, last, this.#map);
    const { number = next.number, history = next.history } = lie;
    const body = roundBody(nodePrimitives, number, history, this.#map);
    const { recorder, roundRecorder } = this.#service.ports;
    const { latest: nonce } = await recorder.nonces();
    const call = { previous: next.previous, body };
    const transaction = await roundRecorder.prepareRound(call, { nonce, gas: 200_000n });
    await recorder.broadcast(transaction);
    await this.#fixture.mine(3);
    const receipt = await recorder.receipt(transaction.hash);
    assert.ok(receipt?.ok === true && receipt.final);
    const { round: root } = await this.reader().readRound(this.account, 'final');
    const timeMs = await readBlockTime(this.#fixture.rpc, receipt.blockNumber);
    const made: MadeRound = {
      ...{ number: next.number, root: root as RoundRoot, history: next.historyPeaks },
      ...{ map: this.#map, heads: new Map(this.#heads), txHash: transaction.hash },
      front: { number, timeSeconds: (timeMs as number) / 1000, previous: next.previous, history },
    };
    this.rounds.push(made);
    return made;
  }

  /** The storage's get-anchor, as it shows each round of its own. */
  readonly getAnchor = async (
    dataset: DatasetId,
    { since, round }: { readonly since?: number; readonly round?: RoundRoot } = {},
  ): Promise<DatasetAnchor> => {
    this.asked.push(dataset);
    const log = this.#logs.get(dataset);
    if (log === undefined) throw refused('This service has no charter of the dataset.');
    const at =
      round === undefined ? this.rounds.length - 1 : this.rounds.findIndex(({ root }) => equalBytes(root, round));
    const shown = at === -1 ? null : await this.#showRound(at, dataset);
    const { size } = log.head;
    if (since !== undefined && since > size) throw refused(`The newest signed head here has ${size} blocks.`);
    const anchored = shown?.head?.size;
    const isOnTheWay = since !== undefined && anchored !== undefined && since < anchored && anchored < size;
    const stops = since === undefined || since === size ? [] : isOnTheWay ? [since, anchored, size] : [since, size];
    const subtrees = subtreesOfLeaves(nodePrimitives, log.leafHashes);
    const growth = await Promise.all(stops.slice(1).map((to, i) => buildGrowth({ subtrees }, stops[i] as number, to)));
    return { charter: log.dataset.first, head: log.head, round: shown, final: null, growth };
  };

  async #showRound(at: number, dataset: DatasetId): Promise<ServiceRound> {
    const { map, heads, txHash, front } = this.rounds[at] as MadeRound;
    const { path, end } = await proveInMap(nodePrimitives, this.#pages, map, dataset);
    const head = heads.get(dataset) ?? null;
    return { ...front, path, head, end: head === null ? end : null, txHash };
  }
}

function refused(detail: string): RequestRefusedError {
  return new RequestRefusedError(detail, { type: '/problems/not-found', status: 404 });
}
