import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { to0x } from '../../../core/bytes.ts';
import { ArgumentError, LedgerUnavailableError, StateError } from '../../../core/errors.ts';
import type { Address } from '../../../core/ids.ts';
import type { GethNode } from './start-node.ts';

export interface SlotOptions {
  readonly nodes: readonly GethNode[];
  readonly genesisHash: string;
  /** How many slots behind the head a block is final. */
  readonly finalityLagSlots: number;
}

/**
 * Stands in place of the beacon chain: gives every slot to one node in turn, hands its block to all of them and says which
 * block is final. One slot at a time, whoever asks.
 */
export interface SlotDriver {
  /** The blocks of the chain, from genesis; what was reorganised away is not among them. */
  readonly chain: readonly ChainBlock[];
  /** Makes one block. @throws LedgerUnavailableError when no node can build one */
  slot(): Promise<ChainBlock>;
  /**
   * Takes the last `depth` blocks back: a fork one block longer is grown on one node, then all switch to it. What
   * `onFork` sends to that node goes into the fork.
   * @throws StateError when one of them is final
   */
  reorg(depth: number, onFork?: (builder: GethNode) => Promise<void>): Promise<void>;
  /** Gives an account ether out of nothing, in the next slot, which is made at once: a withdrawal from the beacon chain. */
  credit(account: Address, amountWei: bigint): Promise<void>;
  /** Hands the newest block to all nodes once more, as one that was away needs it. */
  announce(): Promise<void>;
  /** Makes slots by itself from now on; `pause` ends that. */
  run(everyMs: number): void;
  pause(): Promise<void>;
}

export interface ChainBlock {
  readonly number: number;
  readonly hash: string;
  readonly timestamp: number;
}

interface Payload {
  readonly block: ChainBlock;
  readonly transactions: number;
  /** Parameters of newPayload. */
  readonly given: readonly unknown[];
}

const BUILD_MS = 300;
const SECOND_BUILD_MS = 1_500;
const MAX_KEPT = 256;
const ZERO_HASH = `0x${'00'.repeat(32)}`;
const GWEI = 10n ** 9n;

const forkchoiceAnswer = z.looseObject({ payloadId: z.string().nullish() });
const statusAnswer = z.looseObject({ status: z.string(), validationError: z.string().nullish() });
// Kept as text: what a node gave is handed to the others as it is.
const hexNumber = z.string().regex(/^0x[0-9a-f]+$/);
const payloadAnswer = z.looseObject({
  executionPayload: z.looseObject({
    blockNumber: hexNumber,
    blockHash: z.string(),
    timestamp: hexNumber,
    transactions: z.array(z.string()),
  }),
  executionRequests: z.array(z.string()),
});
const poolStatus = z.looseObject({ pending: hexNumber });

export function createSlotDriver(options: SlotOptions): SlotDriver {
  const { nodes, genesisHash, finalityLagSlots } = options;
  if (finalityLagSlots < 1) throw new ArgumentError(`A block is final at least 1 slot later, not ${finalityLagSlots}.`);
  const chain: ChainBlock[] = [{ number: 0, hash: genesisHash, timestamp: 0 }];
  let slots = 0;
  let finalNumber = 0;
  // The newest blocks as they were built: what nodes that were away are given.
  let kept: Payload[] = [];
  let withdrawals: { account: Address; amountWei: bigint }[] = [];
  let withdrawn = 0;
  let queue: Promise<unknown> = Promise.resolve();
  let running: { stop: AbortController; ended: Promise<void> } | null = null;

  /** Runs one thing at a time. */
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const turn = queue.then(run);
    queue = turn.catch(() => undefined);
    return turn;
  };
  const head = () => chain.at(-1) as ChainBlock;
  const forkchoice = () => {
    finalNumber = Math.max(finalNumber, head().number - finalityLagSlots);
    const final = finalNumber === 0 ? ZERO_HASH : (chain[finalNumber] as ChainBlock).hash;
    return { headBlockHash: head().hash, safeBlockHash: final, finalizedBlockHash: final };
  };

  /** Has a node build on the chain's head. Null when it does not know that block yet. */
  const build = async (node: GethNode, buildMs: number): Promise<Payload | null> => {
    const parentBeaconBlockRoot = to0x(randomBytes(32));
    const attributes = {
      timestamp: hex(Math.max(head().timestamp + 1, Math.floor(Date.now() / 1000))),
      // Also makes two builds of one slot differ.
      prevRandao: to0x(randomBytes(32)),
      suggestedFeeRecipient: feeRecipientOf(nodes.indexOf(node)),
      withdrawals: withdrawals.map(({ account, amountWei }, i) => ({
        ...{ index: hex(withdrawn + i), validatorIndex: '0x0', address: account },
        amount: `0x${(amountWei / GWEI).toString(16)}`,
      })),
      parentBeaconBlockRoot,
    };
    const answered = await node.engine.call('engine_forkchoiceUpdatedV3', [forkchoice(), attributes]);
    const { payloadId } = forkchoiceAnswer.parse(answered);
    if (typeof payloadId !== 'string') return null;
    await sleep(buildMs);
    const got = payloadAnswer.parse(await node.engine.call('engine_getPayloadV5', [payloadId]));
    const { blockNumber, blockHash, timestamp, transactions } = got.executionPayload;
    return {
      block: { number: Number(blockNumber), hash: blockHash, timestamp: Number(timestamp) },
      transactions: transactions.length,
      given: [got.executionPayload, [], parentBeaconBlockRoot, got.executionRequests],
    };
  };
  /** Hands blocks to a node and has it follow them, or fetch what it lacks before them from its peers. */
  const follow = async (node: GethNode, payloads: readonly Payload[]): Promise<void> => {
    for (const { given, block } of payloads) {
      const said = statusAnswer.parse(await node.engine.call('engine_newPayloadV4', given));
      if (said.status === 'INVALID') {
        throw new LedgerUnavailableError(`${node.rpcUrl} refuses block ${block.number}: ${said.validationError}`);
      }
    }
    await node.engine.call('engine_forkchoiceUpdatedV3', [forkchoice(), null]);
  };
  const buildFilled = async (node: GethNode): Promise<Payload> => {
    let payload = await build(node, BUILD_MS);
    if (payload === null) {
      // Killed with all others, it may lack the last blocks that it had.
      await follow(node, kept);
      payload = await build(node, BUILD_MS);
    }
    if (payload === null) throw new LedgerUnavailableError(`${node.rpcUrl} is not at the head of the chain.`);
    if (payload.transactions > 0) return payload;
    // On a busy machine the first attempt may come back before anything was put into it.
    const { pending } = poolStatus.parse(await node.rpc.call('txpool_status', []));
    return Number(pending) === 0 ? payload : ((await build(node, SECOND_BUILD_MS)) ?? payload);
  };
  const keep = (payload: Payload): void => {
    kept = [...kept.filter(({ block }) => block.number < payload.block.number), payload].slice(-MAX_KEPT);
    withdrawn += withdrawals.length;
    withdrawals = [];
  };

  const followAll = async (payloads: readonly Payload[]): Promise<void> => {
    const followed = nodes.filter((node) => node.isUp()).map((node) => follow(node, payloads));
    const settled = await Promise.allSettled(followed);
    // One that was killed meanwhile is nobody's concern, as long as another goes on.
    if (settled.some(({ status }) => status === 'fulfilled')) return;
    throw new LedgerUnavailableError('No node takes the new block.', { cause: settled });
  };

  /** The node whose turn it is, or the next one that is up; `attempt` counts on from it. */
  const proposer = (attempt: number): GethNode | null => {
    const up = nodes.filter((node) => node.isUp());
    return attempt >= up.length ? null : (up[(slots + attempt) % up.length] as GethNode);
  };
  const slot = async (): Promise<ChainBlock> => {
    slots++;
    let cause: unknown;
    for (let attempt = 0, node = proposer(0); node !== null; node = proposer(++attempt)) {
      const before = chain.length;
      try {
        const payload = await buildFilled(node);
        chain.push(payload.block);
        await followAll([payload]);
        keep(payload);
        return payload.block;
      } catch (error) {
        // Nobody has it: the next one builds in its place.
        chain.length = before;
        cause = error;
      }
    }
    throw new LedgerUnavailableError('No node builds a block.', { cause });
  };

  const reorg: SlotDriver['reorg'] = async (depth, onFork) => {
    const fork = head().number - depth;
    if (!(depth >= 1 && fork >= finalNumber && fork >= 1)) {
      throw new StateError(
        `Block ${finalNumber} is final: ${depth} blocks cannot be taken back from ${head().number}.`,
      );
    }
    const builder = proposer(0);
    if (builder === null) throw new LedgerUnavailableError('No node is up.');
    // A forkchoice that names an older block of its own chain would be ignored.
    await builder.rpc.call('debug_setHead', [hex(fork)]);
    chain.length = fork + 1;
    await onFork?.(builder);
    const grown: Payload[] = [];
    for (let i = 0; i <= depth; i++) {
      const payload = await buildFilled(builder);
      chain.push(payload.block);
      keep(payload);
      grown.push(payload);
      await follow(builder, [payload]);
    }
    await followAll(grown);
  };

  const loop = async (everyMs: number, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const beganMs = performance.now();
      // Nobody up: the chain stands still until somebody is.
      await inTurn(slot).catch(() => undefined);
      const restMs = Math.max(50, everyMs - (performance.now() - beganMs));
      await sleep(restMs, undefined, { signal }).catch(() => undefined);
    }
  };

  return {
    chain,
    slot: () => inTurn(slot),
    reorg: (depth, onFork) => inTurn(() => reorg(depth, onFork)),
    async credit(account, amountWei) {
      await inTurn(async () => {
        withdrawals.push({ account, amountWei });
        await slot();
      });
    },
    announce: () => inTurn(() => followAll(kept.slice(-1))),
    run(everyMs) {
      if (running !== null) return;
      const stop = new AbortController();
      running = { stop, ended: loop(everyMs, stop.signal) };
    },
    async pause() {
      running?.stop.abort();
      await running?.ended;
      running = null;
    },
  };
}

/** Blocks name it as their miner: it tells which node built them. */
export function feeRecipientOf(node: number): string {
  return `0xfe${node.toString(16).padStart(38, '0')}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
