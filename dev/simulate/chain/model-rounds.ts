import { equalBytes } from '../../../core/bytes.ts';
import type { Address } from '../../../core/ids.ts';
import type { Anchor, ChainPoint, RecordCall, SignedTransaction } from '../../../core/ports/ledger.ts';
import type { RoundCall, RoundEvent, RoundReader, RoundRecorder } from '../../../core/ports/rounds.ts';
import { NO_ROUND } from '../../../core/rounds/round.ts';
import type { DisscEvent } from './dissc-model.ts';
import type { ModelBlock } from './model-chain.ts';
import { RPC_TRIPS, type RpcTrips } from './rpc-trips.ts';

/** How one node sees the chain. */
interface NodeView {
  readonly reached: (trips: RpcTrips) => Promise<void>;
  readonly blockAt: (anchor: Anchor) => ModelBlock;
  readonly pointOf: (block: ModelBlock) => ChainPoint;
  readonly eventsIn: (
    fromBlock: number,
    toBlock: number,
  ) => readonly { readonly event: DisscEvent; readonly txHash: string; readonly blockNumber: number }[];
  readonly timestampMsOf: (blockNumber: number) => number;
  readonly signed: (
    account: Address,
    call: RecordCall | RoundCall,
    nonce: number,
    replaces: SignedTransaction | undefined,
  ) => SignedTransaction;
}

/** By measurement, of a round after the first (contracts/gas.json). */
export const ROUND_GAS = 29_938n;

/** The ports of rounds at one node of the modelled chain. */
export function createModelRounds({ reached, blockAt, pointOf, eventsIn, timestampMsOf, signed }: NodeView): {
  readonly rounds: RoundReader;
  readonly roundRecorderOf: (account: Address) => RoundRecorder;
} {
  const anchoredBy = (anchorer: Address, fromBlock: number, toBlock: number): RoundEvent[] =>
    eventsIn(fromBlock, toBlock).flatMap(({ event, txHash, blockNumber }) => {
      if (event.event !== 'anchored' || event.anchorer !== anchorer) return [];
      const { round, previous, body } = event;
      const timeSeconds = Math.floor(timestampMsOf(blockNumber) / 1000);
      return [{ round, previous, body, timeSeconds, blockNumber, txHash }];
    });
  /** Blocks whose time is known, which the adapter asks for once. */
  const timed = new Set<string>();
  const rounds: RoundReader = {
    async readRound(anchorer, anchor) {
      await reached(RPC_TRIPS.readRound());
      const block = blockAt(anchor);
      return { point: pointOf(block), round: block.rounds.get(anchorer) ?? null };
    },
    async findRounds(anchorer, fromBlock, toBlock) {
      const names = anchoredBy(anchorer, fromBlock, toBlock).map((one) => `${one.blockNumber} ${one.timeSeconds}`);
      const unknown = new Set(names.filter((name) => !timed.has(name)));
      await reached([...RPC_TRIPS.findEvents(fromBlock, toBlock), ...RPC_TRIPS.blockTimes(unknown.size)]);
      for (const name of unknown) timed.add(name);
      return anchoredBy(anchorer, fromBlock, toBlock);
    },
    async findBlock({ anchorer, root, txHash }) {
      await reached(RPC_TRIPS.findBlock());
      const found = anchoredBy(anchorer, 0, Number.MAX_SAFE_INTEGER).find(
        (one) => one.txHash === txHash && equalBytes(one.round, root),
      );
      return found?.blockNumber ?? null;
    },
  };
  const roundRecorderOf = (account: Address): RoundRecorder => ({
    account,
    async simulateRound({ previous }) {
      await reached(RPC_TRIPS.simulateRound());
      const newest = blockAt('latest').rounds.get(account) ?? NO_ROUND;
      return equalBytes(newest, previous) ? { gas: ROUND_GAS } : null;
    },
    async prepareRound({ previous, body }, { nonce, replaces }) {
      await reached(RPC_TRIPS.prepare());
      return signed(account, { previous, body }, nonce, replaces);
    },
  });
  return { rounds, roundRecorderOf };
}
