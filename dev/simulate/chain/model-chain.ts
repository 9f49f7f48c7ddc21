import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { to0x, u32, u64 } from '../../../core/bytes.ts';
import type { DisscDomain } from '../../../core/dissc-domain.ts';
import type { Address, DatasetId } from '../../../core/ids.ts';
import type { Head } from '../../../core/log/head.ts';
import { EMPTY_ROOT } from '../../../core/log/peaks.ts';
import type { RecordCall, SignedTransaction } from '../../../core/ports/ledger.ts';
import type { RoundCall } from '../../../core/ports/rounds.ts';
import type { Fault } from '../faults/fault.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { anchorOnDissc, type DisscEvent, type DisscState, type RoundsState, recordOnDissc } from './dissc-model.ts';
import { CALL_GAS, callWithMoney, type MoneyState, type SaleCall, startMoney } from './model-money.ts';
import type { OcascLog, OcascSettings } from './ocasc-model.ts';

/** A transaction as somebody signed it. */
export interface ModelTransaction extends SignedTransaction {
  readonly sender: Address;
  readonly call: RecordCall | RoundCall | SaleCall;
}

export interface ModelBlock {
  readonly number: number;
  readonly hash: string;
  readonly timestampMs: number;
  readonly baseFeeWei: bigint;
  readonly mined: readonly { readonly transaction: ModelTransaction; readonly ok: boolean }[];
  readonly events: readonly { readonly event: DisscEvent; readonly txHash: string; readonly logIndex: number }[];
  readonly dissc: DisscState;
  readonly rounds: RoundsState;
  /** What OCASC has logged. */
  readonly saleLogs: readonly (OcascLog & { readonly txHash: string; readonly logIndex: number })[];
  readonly money: MoneyState;
  /** Next nonce of every account that has sent anything. */
  readonly nonces: ReadonlyMap<Address, number>;
}

export interface ChainOptions {
  readonly domain: DisscDomain;
  readonly blockMs: number;
  /** How many blocks behind the latest one is final. */
  readonly finalDepth: number;
  /** OCASC, and what those who deal in it have; there is none where it is not given. */
  readonly sales?: { readonly settings: OcascSettings; readonly balances: ReadonlyMap<Address, bigint> };
}

const NORMAL_FEE_WEI = 1_000_000_000n;

/** A chain of DISSC and, where sales are simulated, OCASC: blocks, a pool of transactions, reorganisations, fees and finality, on virtual time. */
export class ModelChain {
  readonly domain: DisscDomain;
  readonly blocks: ModelBlock[] = [];
  /** All that were ever signed, by their hash: a raw transaction is its hash. */
  readonly signed = new Map<string, ModelTransaction>();
  readonly #time: VirtualTime;
  readonly #faults: FaultWatch;
  readonly #options: ChainOptions;
  readonly #pool = new Map<string, ModelTransaction>();
  /** Those that have begun, and when each is over. */
  readonly #spikes = new Map<Fault, number>();
  #forks = 0;

  constructor(time: VirtualTime, faults: FaultWatch, options: ChainOptions) {
    this.domain = options.domain;
    this.#time = time;
    this.#faults = faults;
    this.#options = options;
    this.blocks.push(this.#blockOn(null, time.nowMs(), []));
    const tick = (): void => {
      if (faults.strikes('chain-still') === null) this.mine();
      time.after(options.blockMs, tick);
    };
    time.after(options.blockMs, tick);
  }

  latest(): ModelBlock {
    return this.blocks.at(-1) as ModelBlock;
  }

  /** Number of the final block, as somebody sees it whose latest block is this one. */
  finalOf(latestNumber: number): number {
    return Math.max(0, latestNumber - this.#options.finalDepth);
  }

  /** Takes a transaction into the pool, in the place of a cheaper one of its nonce; false where it pays too little for that. */
  send(transaction: ModelTransaction): boolean {
    const rival = this.pooled(transaction.sender, transaction.nonce);
    if (rival !== null && transaction.maxFeePerGasWei * 10n < rival.maxFeePerGasWei * 11n) return false;
    if (rival !== null) this.#pool.delete(rival.hash);
    this.#pool.set(transaction.hash, transaction);
    this.#beginSpike(transaction);
    return true;
  }

  /** Fees rise when it hurts: once a transaction is signed and not mined. */
  #beginSpike({ call }: ModelTransaction): void {
    const isAnswer = 'to' in call && call.name === 'respond';
    // When somebody answers is nobody's to plan: one of that kind waits for it.
    const dear = this.#faults.all.find((fault) => isAnswer && fault.kind === 'answer-dear' && !this.#spikes.has(fault));
    const spike = dear ?? this.#faults.under('fee-spike');
    if (spike === null || this.#spikes.has(spike)) return;
    this.#faults.count(spike.kind);
    const lastsMs = spike.where === 'stays' ? Number.POSITIVE_INFINITY : spike.untilMs - spike.fromMs;
    this.#spikes.set(spike, this.#time.nowMs() + lastsMs);
  }

  /** The block that would come now, of all that waits. */
  pending(): ModelBlock {
    return this.#blockOn(this.latest(), this.#time.nowMs(), [...this.#pool.values()]);
  }

  isPooled(hash: string): boolean {
    return this.#pool.has(hash);
  }

  pooled(sender: Address, nonce: number): ModelTransaction | null {
    for (const one of this.#pool.values()) if (one.sender === sender && one.nonce === nonce) return one;
    return null;
  }

  baseFeeWei(): bigint {
    const now = this.#time.nowMs();
    const factors = [...this.#spikes].filter(([, untilMs]) => now < untilMs).map(([{ size }]) => size);
    return NORMAL_FEE_WEI * BigInt(Math.max(1, ...factors));
  }

  mine(): void {
    const block = this.#blockOn(this.latest(), this.#time.nowMs(), [...this.#pool.values()]);
    for (const { transaction } of block.mined) this.#pool.delete(transaction.hash);
    this.blocks.push(block);
  }

  /**
   * Takes the newest blocks back, none of them final, and grows as many and one more in their place. `keeps` says which of
   * their transactions come back to the pool.
   */
  reorganise(depth: number, keeps: (transaction: ModelTransaction, number: number) => boolean): boolean {
    const most = this.latest().number - this.finalOf(this.latest().number);
    const removed = this.blocks.splice(this.blocks.length - Math.min(depth, Math.max(0, most - 1)));
    if (removed.length === 0) return false;
    this.#forks++;
    const taken = removed.flatMap(({ mined }) => mined.map(({ transaction }) => transaction));
    for (const [number, transaction] of taken.entries())
      if (keeps(transaction, number)) this.#pool.set(transaction.hash, transaction);
    for (let grown = 0; grown <= removed.length; grown++) this.mine();
    return true;
  }

  #blockOn(parent: ModelBlock | null, timestampMs: number, pool: readonly ModelTransaction[]): ModelBlock {
    const number = parent === null ? 0 : parent.number + 1;
    const baseFeeWei = this.baseFeeWei();
    const nonces = new Map(parent?.nonces ?? []);
    const mined: { transaction: ModelTransaction; ok: boolean }[] = [];
    const events: { event: DisscEvent; txHash: string; logIndex: number }[] = [];
    let dissc: DisscState = parent?.dissc ?? new Map();
    let rounds: RoundsState = parent?.rounds ?? new Map();
    const saleLogs: (OcascLog & { txHash: string; logIndex: number })[] = [];
    const { sales } = this.#options;
    let money = parent?.money ?? startMoney(sales?.balances ?? new Map());
    const waiting = pool.toSorted((a, b) => a.nonce - b.nonce);
    for (const transaction of waiting) {
      const { sender, nonce, call, hash, maxFeePerGasWei } = transaction;
      if ((nonces.get(sender) ?? 0) !== nonce || maxFeePerGasWei < baseFeeWei) continue;
      if ('to' in call && !canPay(money, transaction)) continue;
      nonces.set(sender, nonce + 1);
      const when = { sender, timestampSeconds: Math.floor(timestampMs / 1000) };
      const made: DisscEvent[] = [];
      if ('to' in call) {
        if (sales === undefined) throw new Error('This chain has no OCASC.');
        const headOf = (dataset: DatasetId): Head => dissc.get(dataset)?.head ?? { dataset, size: 0, root: EMPTY_ROOT };
        const called = callWithMoney(sales.settings, money, call, { ...when, baseFeeWei, headOf });
        mined.push({ transaction, ok: called.reverted === null });
        money = called.money;
        for (const log of called.logs) saleLogs.push({ ...log, txHash: hash, logIndex: saleLogs.length });
        continue;
      }
      if ('body' in call) {
        const anchored = anchorOnDissc(rounds, call, when);
        mined.push({ transaction, ok: anchored !== null });
        if (anchored === null) continue;
        rounds = anchored.rounds;
        made.push(anchored.event);
      } else {
        const recorded = recordOnDissc(this.domain, dissc, call, when);
        mined.push({ transaction, ok: recorded !== null });
        if (recorded === null) continue;
        dissc = recorded.state;
        made.push(...recorded.events);
      }
      for (const event of made) events.push({ event, txHash: hash, logIndex: events.length });
    }
    const hash = to0x(nodePrimitives.sha256(Buffer.concat([u64(timestampMs), u32(number), u32(this.#forks)])));
    return { number, hash, timestampMs, baseFeeWei, mined, events, dissc, rounds, saleLogs, money, nonces };
  }
}

function canPay({ balances }: MoneyState, { sender, call, maxFeePerGasWei }: ModelTransaction): boolean {
  const needed = ('to' in call ? call.valueWei : 0n) + CALL_GAS * maxFeePerGasWei;
  return (balances.get(sender) ?? 0n) >= needed;
}
