import { concat, EXPANSION, expand, hex, type Json, sha256 } from './reference/bytes.ts';
import { appended, leafHash, multiproof, peaks, rootOf } from './reference/log.ts';
import { consistencyProof, inclusionPath } from './reference/merkle.ts';

const COUNT = 700;
const SIZES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 100, 255, 256, 257, 511, 512, 513, 699, 700];
const INCLUSION: [index: number, size: number][] = [
  [0, 1],
  [1, 2],
  [2, 3],
  [4, 5],
  [5, 7],
  [6, 7],
  [8, 9],
  [63, 100],
  [99, 100],
  [255, 256],
  [256, 257],
  [512, 700],
  [699, 700],
];
const GROWTH: [from: number, to: number][] = [
  [0, 1],
  [0, 7],
  [0, 512],
  [0, 700],
  [1, 2],
  [1, 700],
  [3, 5],
  [5, 6],
  [6, 8],
  [7, 9],
  [255, 257],
  [256, 512],
  [257, 700],
  [511, 513],
  [699, 700],
];
const MULTI: [indices: number[], size: number][] = [
  [[0], 1],
  [[1], 3],
  [[0, 2], 3],
  [[4, 5, 6], 7],
  [[0, 99], 100],
  [[3, 64, 255, 256], 257],
  [Array.from({ length: 60 }, (_, i) => (i * 181) % 700), 700],
];

/** One dataset's log of 700 records: heads with peaks, paths, growth, multiproofs, tiles. */
export function logVectors(): Json {
  const records = Array.from({ length: COUNT }, (_, i) => expand(`log/${i}`, 96));
  const upTo = (size: number) => records.slice(0, size);
  return {
    about:
      'records, heads, peaks, RFC 9162 inclusion and consistency, growth, multiproofs and tiles of one log, specification#formats',
    expansion: EXPANSION,
    note: 'record i is {seed: "log/i", size: 96}; a tile is given by the SHA-256 of its 8,192 bytes',
    records: COUNT,
    firstLeafHashes: records.slice(0, 5).map((record) => hex(leafHash(record))),
    heads: SIZES.map((size) => ({ size, root: hex(rootOf(upTo(size))), peaks: peaks(upTo(size)).map(hex) })),
    inclusion: INCLUSION.map(([index, size]) => ({ index, size, path: inclusionPath(index, upTo(size)).map(hex) })),
    consistency: GROWTH.filter(([from]) => from > 0).map(([from, to]) => ({
      from,
      to,
      proof: consistencyProof(from, upTo(to)).map(hex),
    })),
    growth: GROWTH.map(([from, to]) => ({
      from,
      to,
      peaks: peaks(upTo(from)).map(hex),
      appended: appended(from, upTo(to)).map(hex),
    })),
    multiproofs: MULTI.map(([indices, size]) => ({ indices, size, nodes: multiproof(indices, upTo(size)).map(hex) })),
    tiles: [0, 1].map((number) => ({
      level: 0,
      number,
      sha256: hex(sha256(concat(...records.slice(256 * number, 256 * number + 256).map(leafHash)))),
    })),
  };
}
