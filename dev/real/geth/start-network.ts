import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { LedgerUnavailableError } from '../../../core/errors.ts';
import { makeGenesis } from './genesis.ts';
import { createSlotDriver, type SlotDriver } from './slot-driver.ts';
import { type GethNode, seatNode, startNode } from './start-node.ts';

export interface NetworkOptions {
  /** Path of the program. */
  readonly geth: string;
  /** Where the nodes keep their chains; new. */
  readonly folder: string;
  readonly chainId?: number;
  readonly nodes?: number;
  readonly finalityLagSlots?: number;
}

export interface GethNetwork {
  readonly chainId: number;
  /** Of the first node. */
  readonly rpcUrl: string;
  readonly nodes: readonly GethNode[];
  readonly slots: SlotDriver;
  /** Makes so many blocks, with every transaction that any node has. */
  mine(blocks: number): Promise<void>;
  /** Makes blocks until the present one is final. */
  finalize(): Promise<void>;
  /** Waits until a node that was away has fetched the chain's head from its peers. */
  catchUp(node: GethNode): Promise<void>;
  /** Starts a node again and waits until it has the chain's head. */
  revive(node: GethNode): Promise<void>;
  stop(): Promise<void>;
}

const CHAIN_ID = 32_382;
// Longer than it takes them to call again.
const PEERED_TIMEOUT_MS = 60_000;
const GOSSIP_TIMEOUT_MS = 10_000;
const CATCH_UP_TIMEOUT_MS = 60_000;

const headBlock = z.looseObject({ hash: z.string() });
const poolContent = z.looseObject({
  pending: z.record(z.string(), z.record(z.string(), z.looseObject({ hash: z.string() }))),
});

/** Starts a private chain of some geth nodes, peered on loopback, with a slot driver in place of a beacon chain. */
export async function startGethNetwork(options: NetworkOptions): Promise<GethNetwork> {
  const { geth, folder, chainId = CHAIN_ID, nodes: count = 4, finalityLagSlots = 2 } = options;
  const genesis = makeGenesis(chainId, []);
  const numbers = Array.from({ length: count }, (_, i) => i);
  const seats = await Promise.all(numbers.map((i) => seatNode(geth, join(folder, `node-${i}`), genesis)));
  const enodes = seats.map(({ enode }) => enode);
  const nodes: GethNode[] = [];
  const stopAll = async () => void (await Promise.all(nodes.map((node) => node.stop())));
  try {
    // One after the other, each calling those before it: two that call each other at once hang up on each other, and try
    // again only after 35 s.
    for (const seat of seats) {
      const peers = enodes.filter((enode) => enode !== seat.enode);
      nodes.push(await startNode(geth, seat, chainId, peers));
    }
    const first = nodes[0] as GethNode;
    await untilTrue('The nodes do not find each other', PEERED_TIMEOUT_MS, async () => {
      const peers = await Promise.all(nodes.map(({ rpc }) => rpc.call('net_peerCount', [])));
      return peers.every((peered) => Number(peered) === count - 1);
    });
    const { hash: genesisHash } = headBlock.parse(await first.rpc.call('eth_getBlockByNumber', ['0x0', false]));
    const slots = createSlotDriver({ nodes, genesisHash, finalityLagSlots });
    // An empty chain has no block that a contract could be read at.
    await slots.slot();
    const mine = async (blocks: number): Promise<void> => {
      await untilSamePools(nodes);
      for (let i = 0; i < blocks; i++) await slots.slot();
    };
    const catchUp = (node: GethNode): Promise<void> =>
      untilTrue('The node does not catch up', CATCH_UP_TIMEOUT_MS, async () => {
        await slots.announce();
        const { hash } = headBlock.parse(await node.rpc.call('eth_getBlockByNumber', ['latest', false]));
        return hash === slots.chain.at(-1)?.hash;
      });
    return {
      ...{ chainId, rpcUrl: first.rpcUrl, nodes, slots, mine },
      finalize: () => mine(finalityLagSlots),
      catchUp,
      async revive(node) {
        await node.restart();
        await catchUp(node);
      },
      async stop() {
        await slots.pause();
        await stopAll();
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/** A transaction sent to one node needs about half a second to reach those that are only told its hash. */
async function untilSamePools(nodes: readonly GethNode[]): Promise<void> {
  await untilTrue('The nodes do not share their transactions', GOSSIP_TIMEOUT_MS, async () => {
    const pools = await Promise.all(
      nodes
        .filter((node) => node.isUp())
        .map(async ({ rpc }) => {
          const { pending } = poolContent.parse(await rpc.call('txpool_content', []));
          const hashes = Object.values(pending).flatMap((byNonce) => Object.values(byNonce).map(({ hash }) => hash));
          return hashes.sort().join();
        }),
    );
    return new Set(pools).size === 1;
  });
}

async function untilTrue(otherwise: string, timeoutMs: number, look: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  while (!(await look())) {
    if (performance.now() > untilMs) throw new LedgerUnavailableError(`${otherwise} within ${timeoutMs} ms.`);
    await sleep(50);
  }
}
