import * as dagCbor from '@ipld/dag-cbor';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import { concatBytes, fromHex, to0x, u32 } from '../../core/bytes.ts';
import { anchorerOf, requireCharterSignature, type SignedCharter } from '../../core/charter/charter.ts';
import { LedgerUnavailableError, NotRecordedError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { growPeaks, requireBoundedGrowth } from '../../core/log/growth.ts';
import { type Head, recoverHeadSigner, signHead } from '../../core/log/head.ts';
import { EMPTY_PEAKS, EMPTY_ROOT, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import type {
  Anchor,
  ChainCharter,
  ChainPoint,
  Ledger,
  RecordCall,
  RecordedEvent,
  Recorder,
  SignedTransaction,
  Update,
} from '../../core/ports/ledger.ts';
import { plain, revive } from './wire-values.ts';

/** One head that the chain has had, and how it came to it. */
export interface ChainHead extends Head {
  readonly peaks: Peaks;
  readonly appended: readonly Uint8Array[];
  readonly signer: Address;
}

/** DISSC for one dataset, as far as a device sees it: it keeps its rules, and each accepted update is a chain block. */
export interface MemoryChain {
  readonly ledger: Ledger;
  readonly recorder: Recorder;
  /** Down: every call fails as an unreachable chain does. */
  chainDown: boolean;
  /** Heads by which finality lags behind the latest; Infinity: nothing becomes final. */
  finalLag: number;
  /** Takes what is in the pool into blocks as it comes. */
  mining: boolean;
  mine(): void;
  /** Takes back the transaction of this nonce and all that came later: it is dropped, they are in the pool again. */
  reorganise(dropped: number): void;
  poolNonces(): number[];
  /** Heads the chain has had, the empty one first. */
  readonly chain: ChainHead[];
  /** Charters that it has accepted, oldest first. */
  readonly charters: SignedCharter[];
  latestHead(): ChainHead;
  finalHead(): ChainHead;
  /** `DISSC.record`. Answers which updates were accepted. */
  record(call: RecordCall): boolean[];
  /** Records so many blocks that nobody has, signed with this key: what a thief of device.json can do. */
  recordJunk(writer: DatasetWriter, blocks: number): void;
}

export function createMemoryChain(
  { dataset, domain }: Pick<DatasetWriter, 'dataset' | 'domain'>,
  account: Address,
): MemoryChain {
  /** Mined, by nonce, each with the head that the chain had before it. */
  const mined: { readonly transaction: SignedTransaction; readonly heads: number }[] = [];
  const pool = new Map<number, SignedTransaction>();
  const state = {
    chainDown: false,
    finalLag: 0,
    mining: true,
    chain: [{ dataset, size: 0, root: EMPTY_ROOT, peaks: EMPTY_PEAKS, appended: [], signer: account }] as ChainHead[],
    charters: [] as SignedCharter[],
  };
  const latestHead = (): ChainHead => state.chain.at(-1) as ChainHead;
  const finalHead = (): ChainHead => state.chain.at(Math.max(0, state.chain.length - 1 - state.finalLag)) as ChainHead;
  const requireChain = (): void => {
    if (state.chainDown) throw new LedgerUnavailableError('The chain does not answer.');
  };
  const pointAt = (blockNumber: number): ChainPoint => ({
    blockNumber,
    blockHash: to0x(primitives.sha256(u32(blockNumber))),
    timestampMs: Date.now(),
  });
  const pointOf = (head: ChainHead): ChainPoint => pointAt(state.chain.indexOf(head));

  function accepted(update: Update, charters: readonly SignedCharter[]): ChainHead | null {
    const before = latestHead();
    const { size, root, peaks, appended, signature } = update;
    try {
      const growth = { from: before.size, to: size, peaks, appended };
      const grown = requireBoundedGrowth(primitives, before, { size, root }, growth);
      const head = { dataset, size, root };
      const signer = recoverHeadSigner(domain, head, signature);
      return signer === charters.at(-1)?.device ? { ...head, peaks: grown, appended, signer } : null;
    } catch {
      return null;
    }
  }

  /** The charters after those of a call: what reverts the call is an error. */
  function chartersAfter(added: readonly SignedCharter[]): SignedCharter[] {
    const charters = [...state.charters];
    for (const charter of added) {
      if (charter.serial <= (charters.at(-1)?.serial ?? 0)) continue;
      if (anchorerOf(charter) !== null)
        throw new Error('The chain takes a charter with an anchorer from its owner alone.');
      requireCharterSignature(domain, charter);
      charters.push(charter);
    }
    return charters;
  }

  function record({ charters, updates }: RecordCall): boolean[] {
    state.charters.splice(0, Number.POSITIVE_INFINITY, ...chartersAfter(charters));
    return updates.map((update) => {
      const head = accepted(update, state.charters);
      if (head !== null) state.chain.push(head);
      return head !== null;
    });
  }

  /** All that follow on each other. */
  function mine(): void {
    for (let next = pool.get(mined.length); next !== undefined; next = pool.get(mined.length)) {
      pool.delete(mined.length);
      mined.push({ transaction: next, heads: state.chain.length });
      record(revive(dagCbor.decode(fromHex(next.raw.slice(2)))) as RecordCall);
    }
  }

  const refused = (refusal: string): NotRecordedError =>
    new NotRecordedError(`The node does not take it: ${refusal}.`, { details: { refusal } });

  const ledger: Ledger = {
    domain,
    async readHeads(_datasets, anchor: Anchor) {
      requireChain();
      const head = anchor === 'latest' ? latestHead() : finalHead();
      const { size, root } = head;
      return { point: pointOf(head), heads: [{ dataset, size, root }] };
    },
    async readDevices() {
      requireChain();
      const named = state.charters.at(-1);
      const device = named === undefined ? null : { device: named.device, serial: named.serial };
      return { point: pointOf(latestHead()), devices: [device] };
    },
    async findRecorded(_dataset, fromBlock, toBlock) {
      requireChain();
      return state.chain.flatMap((head, blockNumber): RecordedEvent[] => {
        if (blockNumber === 0 || blockNumber < fromBlock || blockNumber > toBlock) return [];
        const { size, root, appended, signer } = head;
        return [{ dataset, size, root, appended, signer, blockNumber, logIndex: 0, txHash: pointOf(head).blockHash }];
      });
    },
    async findChartered() {
      requireChain();
      return state.charters.map((charter, logIndex): ChainCharter => {
        return { dataset, charter: { ...charter }, blockNumber: 0, logIndex, txHash: pointAt(0).blockHash };
      });
    },
  };

  const recorder: Recorder = {
    account,
    async simulate({ charters, updates }) {
      requireChain();
      const after = chartersAfter(charters);
      return { accepted: updates.map((update) => accepted(update, after) !== null), gas: 100_000n };
    },
    async prepare(call, { nonce, replaces }) {
      requireChain();
      const raw = to0x(dagCbor.encode(plain(call)));
      const fee = (replaces?.maxFeePerGasWei ?? 0n) + 1n;
      const hash = to0x(primitives.sha256(concatBytes(fromHex(raw.slice(2)), Uint8Array.of(nonce, Number(fee)))));
      return { hash, nonce, raw, maxFeePerGasWei: fee, maxPriorityFeePerGasWei: fee };
    },
    async broadcast(transaction: SignedTransaction) {
      requireChain();
      if (mined.some((one) => one.transaction.hash === transaction.hash)) return;
      if (transaction.nonce < mined.length) throw refused('nonce-too-low');
      const pooled = pool.get(transaction.nonce);
      if (pooled?.hash === transaction.hash) return;
      if (pooled !== undefined && pooled.maxFeePerGasWei >= transaction.maxFeePerGasWei) throw refused('underpriced');
      pool.set(transaction.nonce, transaction);
      if (state.mining) mine();
    },
    async nonces() {
      requireChain();
      const final =
        state.finalLag === 0
          ? mined.length
          : mined.filter(({ heads }) => heads < state.chain.indexOf(finalHead())).length;
      return { latest: mined.length, final };
    },
    async receipt(hash) {
      requireChain();
      return mined.some((one) => one.transaction.hash === hash) ? { blockNumber: 1, final: true, ok: true } : null;
    },
    async balanceWei() {
      return 1n;
    },
  };

  return Object.assign(state, {
    mine,
    reorganise(dropped: number) {
      const taken = mined.splice(dropped);
      state.chain.splice(taken[0]?.heads ?? state.chain.length);
      pool.clear();
      for (const { transaction } of taken.slice(1)) pool.set(transaction.nonce, transaction);
    },
    poolNonces: () => [...pool.keys()],
    ledger,
    recorder,
    latestHead,
    finalHead,
    record,
    recordJunk(writer: DatasetWriter, blocks: number) {
      const { peaks } = latestHead();
      const to = peaks.size + blocks;
      const appended = appendedSubtrees(peaks.size, to).map(() => primitives.randomBytes(32));
      const after = growPeaks(primitives, peaks, to, appended);
      const head = { dataset, size: after.size, root: rootOfPeaks(primitives, after) };
      const signature = signHead(domain, head, writer.deviceKey);
      if (record({ charters: [], updates: [{ ...head, peaks: peaks.peaks, appended, signature }] })[0] !== true) {
        throw new Error('The chain does not take the junk.');
      }
    },
  });
}
