import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import { type Delivered, type DeliveryProgress, deliverPurchase } from '../client/consumer/deliver-purchase.ts';
import { type Purchase, readPurchaseLog } from '../client/consumer/open-purchase.ts';
import { defaultAhead, highestDue } from '../client/consumer/pay-ahead.ts';
import { readShownKeys } from '../client/consumer/read-shown-keys.ts';
import { type StagedDelivery, stageDelivery } from '../client/consumer/stage-delivery.ts';
import { type BlockToRestore, type Restored, restoreFiles } from '../client/restore/restore-files.ts';
import { openRestoredFolder } from '../client/restore/restored-folder.ts';
import type { BlockMeta } from '../core/block/meta.ts';
import { counted } from '../core/counted.ts';
import { StateError } from '../core/errors.ts';
import { type Connection, openLedger } from './connection.ts';
import { newestPoint } from './open-contracts.ts';
import { openMemory } from './open-rounds.ts';
import type { OpenedPurchase } from './opened-consumer.ts';
import { lockPurchase, purchasePath } from './purchase-file.ts';

/** What a fetch brought. */
export interface Fetched {
  readonly delivered: Delivered;
  /** What was written; null while nothing was, and where an earlier fetch wrote everything. */
  readonly restored: Restored | null;
  /** Meta of the last block that was written, where a delivery stopped behind it. */
  readonly last: BlockMeta | null;
  /** What was not believed of the messages that came, in sentences. */
  readonly distrusted: readonly string[];
}

export interface FetchWishes {
  /** Folder to write to; nothing in it is overwritten. */
  readonly out: string;
  /** Most blocks paid for before they are verified: what is risked. Below 200 blocks 1 when absent, else 2 % of them. */
  readonly ahead?: number | undefined;
  /** How long the owner is waited for. */
  readonly patienceMs: number;
}

/**
 * Gets what was bought, verified and decrypted, paying as it comes, and writes it as files. Called again, it goes on
 * behind the last verified block; what an earlier call has written whole is neither fetched nor looked at again.
 * @throws StateError when all of it was written to another folder, or one that is gone; when another process fetches it, or its log contradicts what was seen
 */
export async function fetchPurchase(
  home: string,
  opened: OpenedPurchase,
  wishes: FetchWishes,
  onProgress: (progress: DeliveryProgress) => void,
  signal?: AbortSignal,
): Promise<Fetched> {
  const release = await lockPurchase(home, opened.purchase.id, opened.store);
  try {
    return await fetchAlone(home, opened, wishes, onProgress, signal);
  } finally {
    release();
  }
}

async function fetchAlone(
  home: string,
  opened: OpenedPurchase,
  { out: folder, ahead = defaultAhead(opened.purchase.terms.count), patienceMs }: FetchWishes,
  onProgress: (progress: DeliveryProgress) => void,
  signal: AbortSignal | undefined,
): Promise<Fetched> {
  const { purchase, store, consumer } = opened;
  const { connection, market } = consumer;
  const { fromBlock } = connection;
  const log = await readPurchaseLog(openLedger(connection), purchase, fromBlock, openMemory(home, connection), signal);
  const [fault] = log.growth.faults;
  if (fault !== undefined) throw new StateError(`${fault.reason} Nothing was fetched or paid for.`);
  const { channel, distrusted } = opened.channel(patienceMs);
  const out = resolve(folder);
  const { deliveredTo } = store.state;
  if (deliveredTo !== null) {
    const isThere = await stat(deliveredTo).then(
      () => true,
      () => false,
    );
    if (deliveredTo === out && isThere) return hasCome(opened);
    const kept = purchasePath(home, purchase.id, 'json');
    throw new StateError(
      `Every block of ${purchase.id} was written to ${deliveredTo}. To fetch them once more, move ${kept} away; blocks that you have paid for are free while the agreement lasts.`,
    );
  }
  const staged = await stageDelivery(purchasePath(home, purchase.id, 'blocks'), store.state.verified);
  try {
    const delivered = await deliverPurchase(
      {
        ...opened,
        primitives: nodePrimitives,
        channel,
        domain: market.domain,
        signerKey: opened.keys.signerKey,
        readNowSeconds: () => readNowSeconds(connection, signal),
        readShownKeys: () => readShownKeys(market, purchase.id, fromBlock, signal),
      },
      { purchase, log, ahead },
      staged,
      onProgress,
      signal,
    );
    const { restored, last } = await writeOut(staged, purchase, out, delivered);
    if (delivered.stopped === null) {
      await store.save({ deliveredTo: out });
      await staged.remove();
    }
    return { delivered, restored, last, distrusted };
  } finally {
    await staged.close();
  }
}

/** What a fetch says of which an earlier one has brought everything. */
function hasCome({ purchase, store }: OpenedPurchase): Fetched {
  const { count } = purchase.terms;
  const delivered = { verified: count, count, due: highestDue(purchase, store), stopped: null };
  const { unproven } = store.state;
  return { delivered: { ...delivered, unproven }, restored: null, last: null, distrusted: [] };
}

/** Where nobody sends transactions, the chain's newest block is old. */
async function readNowSeconds(connection: Connection, signal: AbortSignal | undefined): Promise<number> {
  const { timestampMs } = await newestPoint(connection, signal);
  return Math.floor(Math.max(timestampMs, nodeRuntime.nowMs()) / 1000);
}

/** Everything: as files and lines in the folder. What a stop leaves is paid for: it goes into a folder of its own. */
async function writeOut(
  staged: StagedDelivery,
  { id, terms }: Purchase,
  out: string,
  { verified, stopped }: Delivered,
): Promise<{ restored: Restored | null; last: BlockMeta | null }> {
  if (verified === 0) return { restored: null, last: null };
  const path = stopped === null ? out : join(out, `first-${verified}-blocks`);
  const of = { agreement: id, blocks: verified };
  const folder = await openRestoredFolder(path, {
    as: 'files',
    of,
    title: `${counted(verified, 'block')} of agreement ${id}`,
  });
  let last: BlockMeta | null = null;
  async function* remembered(): AsyncGenerator<BlockToRestore> {
    for await (const block of staged.blocks(terms.first)) {
      last = block.meta;
      yield block;
    }
  }
  const restored = await restoreFiles(folder, remembered());
  return { restored, last };
}
