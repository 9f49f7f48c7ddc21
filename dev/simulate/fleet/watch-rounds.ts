import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { toHex } from '../../../core/bytes.ts';
import type { Address, DatasetId, MapRoot } from '../../../core/ids.ts';
import { readHeadsInMap } from '../../../core/rounds/read-map.ts';
import { pagePk, parsePrepared, roundsPk } from '../../../functions/rounds/round-items.ts';
import type { ModelChain } from '../chain/model-chain.ts';
import { ROUND_GAS } from '../chain/model-rounds.ts';
import type { FleetItems } from './fleet-items.ts';
import type { LightDevice } from './light-device.ts';

/** What the chain has mined of the service since the last look. */
export interface Mined {
  readonly rounds: number;
  readonly transactions: number;
  readonly gas: number;
  readonly feesGwei: number;
}

const GWEI = 1_000_000_000n;
const PREPARED = { from: 'N#', to: 'N#~', limit: 1_000 };

/** Looks at chain and items from outside, uncounted: which heads a mined round holds, and what that has cost. */
export class RoundWatch {
  readonly #chain: ModelChain;
  readonly #items: FleetItems;
  readonly #relayer: Address;
  #seen: number;
  /** Rounds of which it was not known what they were made of: none may be. */
  unknown = 0;

  constructor(chain: ModelChain, items: FleetItems, relayer: Address) {
    this.#chain = chain;
    this.#items = items;
    this.#relayer = relayer;
    this.#seen = chain.latest().number;
  }

  /** Tells the devices what the newest mined round has of them. */
  async look(devices: ReadonlyMap<DatasetId, LightDevice>): Promise<Mined> {
    const blocks = this.#chain.blocks.slice(this.#seen + 1);
    this.#seen = this.#chain.latest().number;
    const mined = { rounds: 0, transactions: 0, gas: 0, feesWei: 0n };
    let newest: MapRoot | null = null;
    for (const { mined: transactions, events, baseFeeWei } of blocks) {
      for (const { transaction, ok } of transactions) {
        mined.transactions++;
        const tip = transaction.maxPriorityFeePerGasWei;
        const most = transaction.maxFeePerGasWei;
        const gas = ok ? ROUND_GAS : 0n;
        mined.gas += Number(gas);
        mined.feesWei += gas * smaller(baseFeeWei + tip, most);
      }
      for (const { event } of events) {
        if (event.event !== 'anchored' || event.anchorer !== this.#relayer) continue;
        mined.rounds++;
        newest = this.#mapOf(event.body) ?? newest;
      }
    }
    if (newest !== null) await this.#noteHeads(newest, devices);
    const { rounds, transactions, gas, feesWei } = mined;
    return { rounds, transactions, gas, feesGwei: Number(feesWei / GWEI) };
  }

  #mapOf(body: Uint8Array): MapRoot | null {
    const { items } = this.#items.query(roundsPk(this.#relayer), PREPARED);
    const found = items.find(({ sk }) => sk.endsWith(toHex(body))) ?? null;
    const map = parsePrepared(found)?.map ?? null;
    if (map === null) this.unknown++;
    return map;
  }

  async #noteHeads(map: MapRoot, devices: ReadonlyMap<DatasetId, LightDevice>): Promise<void> {
    const waiting = [...devices].filter(([, device]) => device.unanchored.length > 0).map(([dataset]) => dataset);
    const readPages = async (hashes: readonly MapRoot[]) =>
      hashes.map((hash) => {
        const page = this.#items.get(pagePk(hash), toHex(hash))?.page;
        return page instanceof Uint8Array ? page : null;
      });
    const heads = await readHeadsInMap(nodePrimitives, { readPages }, map, waiting);
    for (const [dataset, head] of heads) if (head !== null) devices.get(dataset)?.noteAnchored(head.size);
  }
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
