import { nextSerial, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { charterHistory } from '../../core/charter/charters-in-force.ts';
import { ArgumentError, StoreUnavailableError } from '../../core/errors.ts';
import type { BlockIndex, DatasetId } from '../../core/ids.ts';
import { deriveDeviceKey } from '../../core/keys.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type DisownedBlocks, disownedBlocks } from '../disowned-blocks.ts';
import { type CharterSources, findCharters } from './find-charters.ts';
import { type CharteringOwner, requireSerialNotAhead, showCharter } from './open-datasets.ts';
import { readStored } from './read-stored.ts';

export interface ReplaceDeps {
  readonly primitives: Primitives;
  readonly sources: CharterSources & {
    readonly service: Pick<StorageService, 'getAnchor' | 'putCharter' | 'listBatches'>;
  };
  /** DISSC as the owner's account. */
  readonly chain: {
    recordCharters(charters: readonly SignedCharter[], signal?: AbortSignal): Promise<readonly MinedTransaction[]>;
  };
  readonly nowSeconds: () => number;
}

export interface Replacement {
  /** The new one is the last. */
  readonly charters: readonly SignedCharter[];
  readonly charter: SignedCharter;
  readonly transactions: readonly MinedTransaction[];
  /** What the chain has of earlier devices from that block on: nobody counts it as this dataset's any more. */
  readonly disowned: readonly DisownedBlocks[];
  /** Blocks that the service holds of an earlier device from that block on and that are not recorded. */
  readonly disownedStored: { readonly from: BlockIndex; readonly to: BlockIndex } | null;
  /** Why the service does not have the charter yet, in words; null if it has it. It also reads the chain by itself. */
  readonly unshown: string | null;
}

/**
 * Gives a dataset another device: signs a charter with a higher serial and sends it to the chain, because only there a
 * replacement counts. `from` is the block from which the new device writes, by default after everything recorded or stored. An
 * earlier one disowns what the old device has written from there on.
 * @throws ArgumentError when no charter of the dataset is known; StoreUnavailableError when nobody says how far it is stored
 *
 * @example
 * import { openDatasets } from 'plumbline/client/owner/open-datasets';
 * import { ENCRYPTED } from 'plumbline/core/charter/kind';
 * const sources = { ledger, fromBlock, service, bucket };
 * const deps = { primitives, sources, chain: disscOwner, nowSeconds: () => Math.floor(Date.now() / 1000) };
 * const [garden] = await openDatasets(deps, owner, [{ name: 'garden', kind: ENCRYPTED, anchorer: null, kept: [] }]);
 * const target = { dataset: garden.dataset, kept: garden.charters, from: null };
 * const { charter, disowned } = await replaceDevice(deps, owner, target);
 * console.log(charter.from, disowned.length); // 0 0
 */
export async function replaceDevice(
  deps: ReplaceDeps,
  owner: CharteringOwner,
  target: { readonly dataset: DatasetId; readonly kept: readonly SignedCharter[]; readonly from: BlockIndex | null },
  signal?: AbortSignal,
): Promise<Replacement> {
  const { dataset, kept } = target;
  const { ledger, fromBlock, service } = deps.sources;
  const search = { all: false, datasets: [dataset], kept };
  const [found] = (await findCharters(deps.sources, owner.address, search, signal)).datasets;
  const newest = found?.charters.at(-1);
  if (found === undefined || newest === undefined) {
    throw new ArgumentError(
      `Dataset ${dataset} has no charter yet. Create the dataset first: plumb dataset create NAME`,
    );
  }
  const { point, heads } = await ledger.readHeads([dataset], 'latest', signal);
  const from = target.from ?? (await nextBlock(deps, dataset, heads[0]?.size ?? 0, signal));

  const lastSerial = Math.max(newest.serial, ...found.contradictory);
  const serial = nextSerial(deps.nowSeconds(), lastSerial);
  requireSerialNotAhead(serial, point);
  const device = accountOfKey(deriveDeviceKey(deps.primitives, owner.seed, dataset, serial));
  const unsigned = { ...newest, device, serial, from };
  const charter = { ...unsigned, signature: signCharter(ledger.domain, unsigned, owner.privateKey) };

  // Earlier ones that the chain lacks go along: with them it names every device there ever was.
  const onChain = new Set(found.history.chartered.map((event) => event.charter.serial));
  const missing = found.charters.filter((one) => !onChain.has(one.serial));
  const transactions = await deps.chain.recordCharters([...missing, charter], signal);
  const unshown = await showCharter(service, dataset, charter, signal);

  const at = await ledger.readHeads([dataset], 'latest', signal);
  const [events, recorded] = await Promise.all([
    ledger.findChartered({ dataset }, fromBlock, at.point.blockNumber, signal),
    ledger.findRecorded(dataset, fromBlock, at.point.blockNumber, signal),
  ]);
  const history = charterHistory([...found.charters, charter], events);
  return {
    charters: [...found.charters, charter],
    charter,
    transactions,
    disowned: disownedBlocks(
      history,
      recorded.toSorted((a, b) => a.size - b.size),
    ),
    disownedStored: await storedFrom(deps, dataset, Math.max(from, at.heads[0]?.size ?? 0), signal),
    unshown: unshown?.shortMessage ?? null,
  };
}

/** The block after everything recorded or stored. */
async function nextBlock(
  { sources }: ReplaceDeps,
  dataset: DatasetId,
  recorded: number,
  signal: AbortSignal | undefined,
): Promise<BlockIndex> {
  try {
    return (await readStored(sources.service, dataset, recorded, signal)).blocks;
  } catch (cause) {
    signal?.throwIfAborted();
    throw new StoreUnavailableError(
      "The service does not say how much of this dataset is stored. Try again later, or give the new device's first block: --from BLOCK",
      { cause },
    );
  }
}

async function storedFrom(
  { sources }: ReplaceDeps,
  dataset: DatasetId,
  from: BlockIndex,
  signal: AbortSignal | undefined,
): Promise<Replacement['disownedStored']> {
  const stored = await readStored(sources.service, dataset, from, signal).catch(() => null);
  signal?.throwIfAborted();
  return stored === null || stored.blocks <= from ? null : { from, to: stored.blocks - 1 };
}
