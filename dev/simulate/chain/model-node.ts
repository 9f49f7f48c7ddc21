import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { concatBytes, to0x, u32, u64 } from '../../../core/bytes.ts';
import { ArgumentError, LedgerUnavailableError, NotRecordedError } from '../../../core/errors.ts';
import type { Address, DatasetId } from '../../../core/ids.ts';
import type { Head } from '../../../core/log/head.ts';
import { EMPTY_ROOT } from '../../../core/log/peaks.ts';
import type {
  Anchor,
  ChainPoint,
  EventScanner,
  Ledger,
  RecordCall,
  Recorder,
  SignedTransaction,
} from '../../../core/ports/ledger.ts';
import type { RoundCall, RoundReader, RoundRecorder } from '../../../core/ports/rounds.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { recordOnDissc } from './dissc-model.ts';
import type { ModelBlock, ModelChain } from './model-chain.ts';
import { createModelRounds } from './model-rounds.ts';
import { RPC_TRIPS, type RpcTrips } from './rpc-trips.ts';

export interface NodeParts {
  readonly time: VirtualTime;
  readonly chain: ModelChain;
  readonly faults: FaultWatch;
  readonly random: SeededRandom;
  /** Whose node it is: `device`, `service` or `owner`. */
  readonly of: string;
  /** What a call of a port takes on its way, before it is answered; a while that chance decides where it is not given. */
  readonly reach?: (trips: RpcTrips) => Promise<void>;
}

const TIP_WEI = 1_000_000n;
const BALANCE_WEI = 10n ** 21n;
const GAS = 120_000n;
const LATENCY_MS: readonly [number, number] = [5, 60];

/** One node's view of the chain: it may lag behind, not answer, or forget what it was sent. */
export function createNode(parts: NodeParts): {
  readonly ledger: Ledger & EventScanner;
  readonly recorderOf: (account: Address) => Recorder;
  readonly rounds: RoundReader;
  readonly roundRecorderOf: (account: Address) => RoundRecorder;
} {
  const { time, chain, faults, random, of } = parts;
  const { domain } = chain;
  const reach = parts.reach ?? (() => time.sleep(random.between(...LATENCY_MS)));

  const reached = async (trips: RpcTrips): Promise<void> => {
    await reach(trips);
    if (faults.strikes('node-down', of) !== null)
      throw new LedgerUnavailableError(`The node of the ${of} does not answer.`);
  };
  const latestSeen = (): ModelBlock => {
    const stale = faults.strikes('node-stale', of);
    const lag = stale === null ? 0 : Math.round(stale.size);
    return chain.blocks[Math.max(0, chain.latest().number - lag)] as ModelBlock;
  };
  const blockAt = (anchor: Anchor): ModelBlock => {
    const latest = latestSeen();
    return anchor === 'latest' ? latest : (chain.blocks[chain.finalOf(latest.number)] as ModelBlock);
  };
  const pointOf = ({ number, hash, timestampMs }: ModelBlock): ChainPoint => ({
    blockNumber: number,
    blockHash: hash,
    timestampMs,
  });
  const eventsIn = (fromBlock: number, toBlock: number) => {
    const last = Math.min(toBlock, latestSeen().number);
    return chain.blocks
      .slice(Math.max(0, fromBlock), last + 1)
      .flatMap(({ number, events }) => events.map((one) => ({ ...one, blockNumber: number })));
  };

  const timestampMsOf = (blockNumber: number): number => (chain.blocks[blockNumber] as ModelBlock).timestampMs;

  const ledger: Ledger & EventScanner = {
    domain,
    async readHeads(datasets, anchor) {
      await reached(RPC_TRIPS.readHeads(datasets.length));
      const block = blockAt(anchor);
      const empty = (dataset: DatasetId): Head => ({ dataset, size: 0, root: EMPTY_ROOT });
      return { point: pointOf(block), heads: datasets.map((id) => block.dissc.get(id)?.head ?? empty(id)) };
    },
    async readDevices(datasets, anchor) {
      await reached(RPC_TRIPS.readDevices(datasets.length));
      const block = blockAt(anchor);
      const devices = datasets.map((id) => {
        const known = block.dissc.get(id);
        return known === undefined ? null : { device: known.device, serial: known.serial };
      });
      return { point: pointOf(block), devices };
    },
    async findRecorded(dataset, fromBlock, toBlock) {
      return (await this.findAllRecorded(fromBlock, toBlock)).filter((event) => event.dataset === dataset);
    },
    async findAllRecorded(fromBlock, toBlock) {
      await reached(RPC_TRIPS.findEvents(fromBlock, toBlock));
      return eventsIn(fromBlock, toBlock).flatMap(({ event, ...place }) => {
        if (event.event !== 'recorded') return [];
        const { event: _, ...recorded } = event;
        return [{ ...recorded, ...place }];
      });
    },
    async findChartered(query, fromBlock, toBlock) {
      return (await this.findAllChartered(fromBlock, toBlock)).filter(({ dataset, charter }) =>
        'dataset' in query ? dataset === query.dataset : charter.owner === query.owner,
      );
    },
    async findAllChartered(fromBlock, toBlock) {
      await reached(RPC_TRIPS.findEvents(fromBlock, toBlock));
      return eventsIn(fromBlock, toBlock).flatMap(({ event, ...place }) =>
        event.event === 'chartered' ? [{ dataset: event.dataset, charter: event.charter, ...place }] : [],
      );
    },
  };

  const signed = (
    account: Address,
    call: RecordCall | RoundCall,
    nonce: number,
    replaces: SignedTransaction | undefined,
  ): SignedTransaction => {
    const raise = (wei: bigint | undefined): bigint => (wei === undefined ? 0n : wei + wei / 8n + 1n);
    const tip = larger(TIP_WEI, raise(replaces?.maxPriorityFeePerGasWei));
    const fee = larger(2n * chain.baseFeeWei() + tip, raise(replaces?.maxFeePerGasWei));
    const hash = to0x(nodePrimitives.sha256(bytesOf(account, call, nonce, fee, tip)));
    const fees = { maxFeePerGasWei: fee, maxPriorityFeePerGasWei: tip };
    const transaction = { hash, nonce, raw: hash, ...fees };
    chain.signed.set(hash, { ...transaction, sender: account, call });
    return transaction;
  };

  const recorderOf = (account: Address): Recorder => ({
    account,
    async simulate(call) {
      await reached(RPC_TRIPS.simulate());
      const seen = latestSeen();
      const when = { sender: account, timestampSeconds: Math.floor(time.nowMs() / 1000) };
      const recorded = recordOnDissc(domain, seen.dissc, call, when);
      if (recorded === null)
        throw new ArgumentError('DISSC refuses a charter of this call.', { details: { reason: 'charter' } });
      return { accepted: recorded.accepted, gas: GAS };
    },
    async prepare(call, { nonce, replaces }) {
      await reached(RPC_TRIPS.prepare());
      return signed(account, call, nonce, replaces);
    },
    async broadcast({ raw, nonce }) {
      await reached(RPC_TRIPS.broadcast());
      const transaction = chain.signed.get(raw);
      if (transaction === undefined) throw new Error(`Nobody has signed ${raw}.`);
      // It says that it has taken it.
      if (faults.strikes('node-forgets', of) !== null) return;
      const isMined = chain.blocks.some(({ mined }) => mined.some((one) => one.transaction.hash === raw));
      if (isMined || chain.pooled(account, nonce)?.hash === raw) return;
      if ((chain.latest().nonces.get(account) ?? 0) > nonce) throw refused('nonce-too-low');
      if (!chain.send(transaction)) throw refused('underpriced');
    },
    async nonces() {
      await reached(RPC_TRIPS.nonces());
      const latest = latestSeen();
      const final = chain.blocks[chain.finalOf(latest.number)] as ModelBlock;
      return { latest: latest.nonces.get(account) ?? 0, final: final.nonces.get(account) ?? 0 };
    },
    async receipt(hash) {
      await reached(RPC_TRIPS.receipt());
      const seen = latestSeen();
      for (const { number, mined } of chain.blocks.slice(0, seen.number + 1)) {
        const found = mined.find((one) => one.transaction.hash === hash);
        if (found !== undefined)
          return { blockNumber: number, final: number <= chain.finalOf(seen.number), ok: found.ok };
      }
      return null;
    },
    async balanceWei() {
      await reached(RPC_TRIPS.balance());
      return BALANCE_WEI;
    },
  });
  return { ledger, recorderOf, ...createModelRounds({ reached, blockAt, pointOf, eventsIn, timestampMsOf, signed }) };
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

function refused(refusal: 'nonce-too-low' | 'underpriced'): NotRecordedError {
  return new NotRecordedError(`The node rejects the transaction: ${refusal}.`, { details: { refusal } });
}

/** Enough of a call that two that differ have two hashes. */
function bytesOf(account: Address, call: RecordCall | RoundCall, nonce: number, fee: bigint, tip: bigint): Uint8Array {
  const fees = new TextEncoder().encode(`${account} ${fee} ${tip}`);
  if ('body' in call) return concatBytes(u32(nonce), fees, call.previous, call.body);
  const heads = call.updates.flatMap(({ size, root, signature }) => [u64(size), root, signature]);
  return concatBytes(u32(nonce), fees, ...call.charters.map(({ serial }) => u32(serial)), ...heads);
}
