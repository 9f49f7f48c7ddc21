import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { sourceOfService } from '../../../client/owner/block-source.ts';
import { getRange } from '../../../client/owner/get-range.ts';
import { verifyDataset } from '../../../client/owner/verify-dataset.ts';
import type { BlockMeta } from '../../../core/block/meta.ts';
import { NotRecordedError } from '../../../core/errors.ts';
import type { DatasetId, DatasetKey } from '../../../core/ids.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';
import type { Primitives } from '../../../core/ports/primitives.ts';
import type { StorageService } from '../../../core/ports/service.ts';
import type { Transfer } from '../../../core/ports/transfer.ts';
import type { SeededRandom } from '../time/seeded-random.ts';

export interface OwnerWorld {
  readonly dataset: DatasetId;
  readonly datasetKey: DatasetKey;
  readonly ledger: Ledger;
  readonly service: StorageService;
  readonly transfer: Transfer;
  readonly random: SeededRandom;
}

/** What the owner got back of one block, or why not. */
export interface Judged {
  readonly index: number;
  readonly verdict: string;
  readonly content: Uint8Array | null;
  readonly meta: BlockMeta | null;
}

/** All final blocks, retrieved, verified and decrypted by the owner's own code; empty where nothing is final. */
export async function getAll(world: OwnerWorld): Promise<Judged[]> {
  const { dataset, datasetKey, ledger, service } = world;
  const primitives = primitivesOf(world.random);
  const openSource = sourceOfService({ primitives, service, download: downloadBy(world.transfer) }, dataset);
  const scope = { anchor: 'final', by: 'block', from: 0, to: Number.MAX_SAFE_INTEGER } as const;
  const judged: Judged[] = [];
  try {
    const range = getRange({ primitives, ledger, openSource }, { ...scope, dataset, datasetKeyOf: () => datasetKey });
    for await (const { verdict, upTo, content, meta } of range) {
      for (let index = verdict.index; index <= upTo; index++) {
        judged.push({ index, verdict: verdict.verdict, content, meta });
      }
    }
  } catch (cause) {
    if (!(cause instanceof NotRecordedError)) throw cause;
  }
  return judged;
}

/** The verdicts of Protocol I on all final blocks, by a random chunk of each; empty where nothing is final. */
export async function verifyAll(world: OwnerWorld): Promise<Judged[]> {
  const { dataset, datasetKey, ledger, service } = world;
  const deps = { primitives: primitivesOf(world.random), ledger, css: service };
  const judged: Judged[] = [];
  try {
    await verifyDataset(
      deps,
      { dataset, datasetKeyOf: () => datasetKey, evidence: 'possession', anchor: 'final' },
      (verdicts) => {
        for (const { index, verdict } of verdicts) judged.push({ index, verdict, content: null, meta: null });
      },
    );
  } catch (cause) {
    if (!(cause instanceof NotRecordedError)) throw cause;
  }
  return judged.sort((a, b) => a.index - b.index);
}

function primitivesOf(random: SeededRandom): Primitives {
  const bytes = random.fork('bytes');
  return { ...nodePrimitives, randomBytes: (size) => bytes.bytes(size) };
}

function downloadBy(transfer: Transfer) {
  return async (get: Parameters<Transfer['get']>[0], _maxBytes: number, signal?: AbortSignal) => {
    const { status, body } = await transfer.get(get, signal ?? new AbortController().signal);
    if (status !== 200) return null;
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    return new Uint8Array(Buffer.concat(pieces));
  };
}
