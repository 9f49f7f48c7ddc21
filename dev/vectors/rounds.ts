import { EXPANSION, expand, flipBit, hex, type Json, sha256 } from './reference/bytes.ts';
import { inclusionPath, leafHash } from './reference/merkle.ts';
import { ZERO32 } from './reference/protocol.ts';
import { body, history, type Leaf, leafBytes, map, mapProof, round } from './reference/rounds.ts';

const leaf = (dataset: Uint8Array, i: number): Leaf => ({
  dataset,
  size: [1n, 256n, 2n ** 48n, 2n ** 32n][i % 4]!,
  root: expand(`rounds/root/${i}`, 32),
  serial: 1_790_000_000 + i,
  signature: expand(`rounds/signature/${i}`, 65),
});
const BASE = expand('rounds/base', 32);
/** The base with bit `at` changed, the most significant first. */
const bent = (at: number): Uint8Array => flipBit(BASE, Math.floor(at / 8), 7 - (at % 8));
const shapes: [string, Uint8Array[]][] = [
  ['none', []],
  ['one', [BASE]],
  ['two that differ in the first bit', [BASE, bent(0)]],
  ['two that share 255 bits', [BASE, bent(255)]],
  ['three of which two share 255 bits', [BASE, bent(255), bent(3)]],
  ['a staircase', [BASE, ...Array.from({ length: 40 }, (_, i) => bent(i * 6))]],
  ['many', Array.from({ length: 60 }, (_, i) => expand(`rounds/many/${i}`, 32))],
];

/** Maps with proofs of presence and absence, and seven rounds in a row with their histories. */
export function roundVectors(): Json {
  return {
    about: 'maps, their proofs, bodies, rounds and histories, specification#map',
    expansion: EXPANSION,
    note: 'siblings come deepest first; end is null for nothing, else the leaf that the path ends in; leaf i of a map is {dataset, size, root, serial, signature}',
    leaves: [BASE, bent(0)].map((id, i) => leafJson(leaf(id, i))),
    maps: shapes.map(([name, ids]) => mapCase(name, ids)),
    rounds: roundChain(),
  };
}

function mapCase(name: string, ids: Uint8Array[]): Json {
  const leaves = ids.map(leaf);
  const asked = [...ids.slice(0, 12), bent(255), bent(254), bent(7), expand('rounds/stranger', 32), ZERO32];
  const unique = [...new globalThis.Map(asked.map((id) => [hex(id), id])).values()];
  return {
    name,
    leaves: leaves.map(leafJson),
    map: hex(map(leaves)),
    proofs: unique.map((dataset) => {
      const { path, end } = mapProof(leaves, dataset);
      return {
        dataset: hex(dataset),
        isPresent: ids.some((id) => hex(id) === hex(dataset)),
        path: path.map(hex),
        end: end ? hex(end.dataset) : null,
      };
    }),
  };
}

function leafJson(l: Leaf): Json {
  return {
    dataset: hex(l.dataset),
    size: l.size.toString(),
    root: hex(l.root),
    serial: l.serial,
    signature: hex(l.signature),
    signatureHash: hex(sha256(l.signature)),
    hash: hex(sha256(leafBytes(l))),
  };
}

function roundChain(): Json {
  const roots: Uint8Array[] = [];
  return Array.from({ length: 7 }, (_, i) => {
    const number = BigInt(i + 1);
    const time = 1_790_000_000n + BigInt(i) * 60n;
    const mapRoot = i === 2 ? ZERO32 : expand(`rounds/map/${i}`, 32);
    const previous = roots.at(-1) ?? ZERO32;
    const roundBody = body(number, roots, mapRoot);
    const before = [...roots];
    const root = round(time, previous, roundBody);
    roots.push(root);
    return {
      number: i + 1,
      time: Number(time),
      previous: hex(previous),
      history: hex(history(before)),
      map: hex(mapRoot),
      body: hex(roundBody),
      round: hex(root),
      leafHash: hex(leafHash(root)),
      historyPaths: before.map((_, older) => inclusionPath(older, before).map(hex)),
    };
  });
}
