import { equalBytes, to0x } from '../../core/bytes.ts';
import { StateError } from '../../core/errors.ts';
import type { Address, DatasetId, MapRoot, RoundRoot } from '../../core/ids.ts';
import type { SignedHead } from '../../core/log/head.ts';
import type { MapPages } from '../../core/ports/map-pages.ts';
import { leafOfHead, type MapLeaf, mapLeafHash } from '../../core/rounds/map-leaf.ts';
import type { MapProof } from '../../core/rounds/map-proof.ts';
import { proveInMap } from '../../core/rounds/prove-in-map.ts';
import type { WireRound } from '../../core/wire/requests.ts';
import { Problem } from '../answer/problem.ts';
import { headOf } from '../log/open-log.ts';
import type { ServicePorts, TableReader } from '../ports.ts';
import type { LogEntry } from '../state/entries.ts';
import { readLogEntry } from '../state/log-entry.ts';
import { readNewestFinal } from './follow-rounds.ts';
import { type ChainRound, finalSk, knownSk, parseChainRound, roundsPk } from './round-items.ts';
import type { RoundMemory } from './round-memory.ts';
import { readRecentPages } from './table-pages.ts';
import { isThinned } from './thin-rounds.ts';

export interface ShowRoundPorts {
  readonly primitives: Pick<ServicePorts['primitives'], 'sha256'>;
  readonly table: TableReader;
}

interface Shown {
  readonly anchorer: Address;
  readonly dataset: DatasetId;
  readonly asked?: RoundRoot;
  /** Entries of its log that were read already. */
  readonly entries: readonly LogEntry[];
}

/**
 * What a final round says of a dataset, as it travels, and the head that it has of it. Reads are bounded: the round, a page for
 * each four bits that others share with the dataset, and one entry of its log; of these none that is in memory.
 * @param asked the newest final round when it is not given
 * @returns null where no such round is kept, or not what it was made of
 * @throws Problem when the retention setting has thinned the round away; StateError when a page of the map is lost or damaged
 */
export async function showRound(
  ports: ShowRoundPorts,
  { anchorer, dataset, asked, entries }: Shown,
  memory: RoundMemory,
  signal?: AbortSignal,
): Promise<{ readonly round: WireRound; readonly head: SignedHead | null } | null> {
  const { table } = ports;
  const found =
    asked === undefined
      ? await readNewestFinal(ports, anchorer, signal)
      : await findFinal(table, anchorer, asked, memory, signal);
  if (found === null || found.map === null) return null;
  const pages = readRecentPages(table, memory.pages, signal);
  const proof = await proveInRound(ports, { anchorer, dataset, pages }, found, found.map, signal);
  const head = await headOfLeaf(ports, dataset, proof.end, entries, signal);
  const { number, timeSeconds, previous, historyRoot, txHash } = found;
  const round = {
    ...{ number, time: timeSeconds, previous: to0x(previous), history: to0x(historyRoot) },
    path: proof.path.map(to0x),
    head: head === null ? null : signedHeadToWire(head),
    end: head === null ? endToWire(proof.end) : null,
    transaction: txHash,
  };
  return { round, head };
}

async function proveInRound(
  { primitives, table }: ShowRoundPorts,
  { anchorer, dataset, pages }: Pick<Shown, 'anchorer' | 'dataset'> & { readonly pages: Pick<MapPages, 'readPages'> },
  round: ChainRound,
  map: MapRoot,
  signal?: AbortSignal,
): Promise<MapProof> {
  try {
    return await proveInMap(primitives, pages, map, dataset);
  } catch (error) {
    if (!(error instanceof StateError) || !(await isThinned(table, anchorer, round, signal))) throw error;
    throw new Problem(
      '/problems/round-thinned',
      `This service no longer keeps round ${round.number}. Ask for a newer round, or the last one of that day; newer rounds hold heads that have grown from those in it.`,
    );
  }
}

export function signedHeadToWire({ size, root, signature, serial }: SignedHead) {
  return { size, root: to0x(root), signature: to0x(signature), serial };
}

async function findFinal(
  table: TableReader,
  anchorer: Address,
  root: RoundRoot,
  memory: RoundMemory,
  signal?: AbortSignal,
): Promise<ChainRound | null> {
  const name = `${anchorer} ${to0x(root)}`;
  const remembered = memory.rounds.get(name);
  if (remembered !== undefined) return remembered;
  const known = await table.get(roundsPk(anchorer), knownSk(root), signal);
  if (typeof known?.number !== 'number') return null;
  const round = parseChainRound(await table.get(roundsPk(anchorer), finalSk(known.number), signal));
  if (round === null || !equalBytes(round.root, root)) return null;
  if (round.map !== null) memory.rounds.set(name, round);
  return round;
}

/** The signed head that a leaf is made of, where the log still has it. */
async function headOfLeaf(
  { primitives, table }: ShowRoundPorts,
  dataset: DatasetId,
  leaf: MapLeaf | null,
  entries: readonly LogEntry[],
  signal?: AbortSignal,
): Promise<SignedHead | null> {
  if (leaf?.dataset !== dataset) return null;
  const known = entries.find(({ size }) => size === leaf.size);
  const head = headOf(dataset, known ?? (await readLogEntry(table, dataset, leaf.size, signal)));
  if (head === null) return null;
  return equalBytes(mapLeafHash(primitives, leafOfHead(primitives, head)), mapLeafHash(primitives, leaf)) ? head : null;
}

function endToWire(end: MapLeaf | null): WireRound['end'] {
  if (end === null) return 'empty';
  const { dataset, size, root, serial, signatureHash } = end;
  return { dataset, size, root: to0x(root), serial, signatureHash: to0x(signatureHash) };
}
