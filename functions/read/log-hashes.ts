import { concatBytes } from '../../core/bytes.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { nodeHash, rootOfLeafHashes, splitPoint } from '../../core/log/merkle.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Table } from '../../core/ports/table.ts';
import { datasetPk, type LogEntry, TILE_LEAVES, type TileEntry, tileSk } from '../state/entries.ts';
import { leafHashOf, queryLog, readLogEntry, splitHashes } from '../state/log-entry.ts';
import { RecentMap } from '../state/recent-map.ts';

interface Ports {
  readonly primitives: Pick<Primitives, 'sha256'>;
  readonly table: Table;
}

/** Leaf hashes by tile, shared by requests. Stale after the log was rewritten, so what is made of it has to be checked. */
export class TileMemory {
  /** Concatenated: 8 KiB each. */
  readonly #tiles: RecentMap<string, Uint8Array>;

  constructor(mostTiles = 1024) {
    this.#tiles = new RecentMap(mostTiles);
  }

  get(dataset: DatasetId, tile: number): Uint8Array | undefined {
    return this.#tiles.get(`${dataset}/${tile}`);
  }

  set(dataset: DatasetId, tile: number, hashes: Uint8Array): void {
    this.#tiles.set(`${dataset}/${tile}`, hashes);
  }
}

/**
 * MTH of any range that a proof over the first `size` batches asks for. Leaves come in tiles of 256, from memory, from the
 * table's cache or from the log itself. A larger complete subtree costs two neighbouring log entries, whatever its height:
 * the frontier before its last leaf holds, as its last peaks, exactly what that leaf completes.
 */
export class LogHashes {
  readonly #ports: Ports;
  readonly #dataset: DatasetId;
  readonly #memory: TileMemory;
  readonly #trustCaches: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #leaves = new Map<number, Promise<readonly Uint8Array[]>>();

  /** @param trustCaches false reads everything from the log and mends the caches on the way */
  constructor(ports: Ports, dataset: DatasetId, memory: TileMemory, trustCaches: boolean, signal?: AbortSignal) {
    this.#ports = ports;
    this.#dataset = dataset;
    this.#memory = memory;
    this.#trustCaches = trustCaches;
    this.#signal = signal;
  }

  async subtree(from: number, to: number): Promise<Uint8Array> {
    const size = to - from;
    const tile = Math.floor(from / TILE_LEAVES);
    if (Math.floor((to - 1) / TILE_LEAVES) === tile) {
      const leaves = await this.#tile(tile, to);
      return rootOfLeafHashes(this.#ports.primitives, leaves.slice(from % TILE_LEAVES, (from % TILE_LEAVES) + size));
    }
    const split = splitPoint(size);
    if (2 * split === size) return this.#complete(from, to);
    const [left, right] = await Promise.all([this.subtree(from, from + split), this.subtree(from + split, to)]);
    return nodeHash(this.#ports.primitives, left, right);
  }

  /** Leaf hashes of one tile, of a last one at least those before `to`. */
  #tile(tile: number, to: number): Promise<readonly Uint8Array[]> {
    const known = this.#leaves.get(tile);
    if (known !== undefined)
      return known.then((leaves) => (leaves.length > (to - 1) % TILE_LEAVES ? leaves : this.#readTile(tile, to)));
    const read = this.#readTile(tile, to);
    this.#leaves.set(tile, read);
    return read;
  }

  async #readTile(tile: number, to: number): Promise<readonly Uint8Array[]> {
    const { primitives, table } = this.#ports;
    const pk = datasetPk(this.#dataset);
    if (this.#trustCaches) {
      const remembered = this.#memory.get(this.#dataset, tile);
      if (remembered !== undefined) return splitHashes(remembered);
      const stored = (await table.get(pk, tileSk(0, tile), this.#signal)) as unknown as TileEntry | null;
      if (stored !== null && stored.hashes.length === 32 * TILE_LEAVES) {
        this.#memory.set(this.#dataset, tile, stored.hashes);
        return splitHashes(stored.hashes);
      }
    }
    const first = tile * TILE_LEAVES;
    const entries = await queryLog(table, this.#dataset, first + 1, first + TILE_LEAVES, this.#signal);
    const leaves = contiguous(entries, first + 1).map((entry) => leafHashOf(primitives, this.#dataset, entry));
    if (leaves.length < to - first)
      throw new StoreUnavailableError(`The log of ${this.#dataset} has a gap. Try again.`);
    if (leaves.length === TILE_LEAVES) {
      const hashes = concatBytes(...leaves);
      this.#memory.set(this.#dataset, tile, hashes);
      await table.put({ pk, sk: tileSk(0, tile), hashes }, this.#trustCaches ? 'absent' : 'any', this.#signal);
    }
    return leaves;
  }

  /** Root of a complete subtree larger than a tile: its last leaf hash, merged with the last peaks before it. */
  async #complete(from: number, to: number): Promise<Uint8Array> {
    const { primitives, table } = this.#ports;
    const [before, last] = await Promise.all([
      readLogEntry(table, this.#dataset, to - 1, this.#signal),
      readLogEntry(table, this.#dataset, to, this.#signal),
    ]);
    if (before === null || last === null) {
      throw new StoreUnavailableError(`The log of ${this.#dataset} has a gap. Try again.`);
    }
    const height = Math.log2(to - from);
    let root = leafHashOf(primitives, this.#dataset, last);
    for (const peak of splitHashes(before.peaks).slice(-height).reverse()) root = nodeHash(primitives, peak, root);
    return root;
  }
}

function contiguous(entries: readonly LogEntry[], firstBatches: number): readonly LogEntry[] {
  const gap = entries.findIndex((entry, position) => entry.batches !== firstBatches + position);
  return gap === -1 ? entries : entries.slice(0, gap);
}
