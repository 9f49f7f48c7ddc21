import { compareFinal } from '../../core/final-block.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { ChainCharter, ChainPoint } from '../../core/ports/ledger.ts';
import type { Item } from '../../core/ports/table.ts';
import { keepCharter, readCharterEntries } from '../state/dataset-entry.ts';
import { CHARTERED_PK, charteredSk, charterSk, datasetPk, FOLLOWED_SK } from '../state/entries.ts';
import { type Followed, parseFollowed } from '../state/followed-charters.ts';
import { keepChartered } from '../state/learn-charters.ts';
import { readLogEnd } from '../state/log-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { queryPages } from '../state/query-pages.ts';
import { markWork } from '../state/work-marks.ts';
import type { AnchorPorts } from './anchor-ports.ts';

type FollowPorts = Pick<AnchorPorts, 'table' | 'ledger' | 'runtime' | 'observer'> & {
  readonly anchorSettings: Pick<AnchorPorts['anchorSettings'], 'fromBlock'>;
};

/** One scan asks for no more, so that a first one does not take all of a run's time. */
const MAX_BLOCKS = 50_000;
const PARALLEL = 32;

/** A charter that was kept from a block that was not final. */
interface Unfinal {
  readonly sk: string;
  readonly blockNumber: number;
  readonly dataset: DatasetId;
  readonly serial: number;
}

/**
 * Keeps the charters that DISSC has accepted of datasets that are known here, with one look at the chain's events for all of
 * them, so that functions know a dataset's device from the table (followed-charters.ts). What is not final is looked at again in
 * each run: a charter that a reorganisation took back goes, and one whose dataset was not known yet is kept once it is.
 * @throws LedgerUnavailableError
 */
export async function followCharters(
  ports: FollowPorts,
  { latest, final }: { readonly latest: ChainPoint; readonly final: ChainPoint },
  signal?: AbortSignal,
): Promise<void> {
  const { table, ledger, observer, anchorSettings } = ports;
  const { followed, version, unfinal } = await readState(table, signal);
  const place = compareFinal(followed?.finalTo ?? null, final.blockNumber);
  // What was read before says more.
  if (place === 'behind') return;
  const isAnew = place === 'far-behind';
  if (isAnew)
    observer.warn('the final block went far back; the anchor follows charters from the beginning', { final, followed });
  const from = followed === null || isAnew ? anchorSettings.fromBlock : followed.finalTo + 1;
  const to = Math.min(latest.blockNumber, from + MAX_BLOCKS - 1);
  const events = to < from ? [] : await ledger.findAllChartered(from, to, signal);
  const names = new Set(events.map(nameOf));
  // A chain that became shorter has none of what stood behind its end.
  const isLooked = ({ blockNumber }: Unfinal) =>
    blockNumber >= from && (blockNumber <= to || to === latest.blockNumber);
  const gone = unfinal.filter((one) => isLooked(one) && !names.has(nameOf(one)));
  if (gone.length > 0 && !(await isTakenBack(ports, gone, signal))) {
    // Its events and its state are of two chains: what the table says grows older meanwhile, and functions ask for themselves.
    observer.warn('the node leaves out charters that it has; the anchor follows them later', {
      blocks: `${from}-${to}`,
    });
    return;
  }
  const marked = new Set(unfinal.map(({ sk }) => sk));
  const fresh = events.filter((event) => !marked.has(skOf(event)));
  const kept = await keepKnown(ports, fresh, signal);
  await mapBounded(gone, PARALLEL, (one) => takeBack(ports, one, signal));
  const changes = (followed?.changes ?? ports.runtime.nowMs()) + kept.length + gone.length;
  const next: Followed = {
    finalTo: Math.max(isAnew ? 0 : (followed?.finalTo ?? 0), Math.min(to, final.blockNumber)),
    readAtMs: to < latest.blockNumber ? null : latest.timestampMs,
    changes,
  };
  // Before the marks: what is marked counts as told to the functions. Where another run was faster, the next one tells them.
  const condition = version === null ? 'absent' : { version };
  if (!(await table.put({ pk: CHARTERED_PK, sk: FOLLOWED_SK, ...next }, condition, signal))) return;
  const isFinal = ({ blockNumber }: { readonly blockNumber: number }) => blockNumber <= final.blockNumber;
  const marks = kept.filter((event) => !isFinal(event)).map((event) => ({ pk: CHARTERED_PK, sk: skOf(event) }));
  if (marks.length > 0) await table.putMany(marks, signal);
  const places = new Set(events.map(skOf));
  const settled = unfinal.filter((one) => isFinal(one) || (isLooked(one) && !places.has(one.sk)));
  if (settled.length > 0) await table.deleteMany(settled.map(keyOf), signal);
}

async function readState(table: FollowPorts['table'], signal?: AbortSignal) {
  let followed: Followed | null = null;
  let version: number | null = null;
  const unfinal: Unfinal[] = [];
  for await (const items of queryPages(table, CHARTERED_PK, { from: FOLLOWED_SK, to: '~' }, signal)) {
    for (const item of items) {
      if (item.sk === FOLLOWED_SK) [followed, version] = [parseFollowed(item), item.version];
      else unfinal.push(unfinalOf(item));
    }
  }
  return { followed, version, unfinal };
}

function unfinalOf({ sk }: Item): Unfinal {
  const [blockNumber, dataset, serial] = sk.split('#') as [string, DatasetId, string];
  return { sk, blockNumber: Number(blockNumber), dataset, serial: Number(serial) };
}

const keyOf = ({ sk }: Unfinal) => ({ pk: CHARTERED_PK, sk });
const skOf = ({ blockNumber, dataset, charter }: ChainCharter) => charteredSk(blockNumber, dataset, charter.serial);

/** In whatever block it is. */
function nameOf(one: Unfinal | ChainCharter): string {
  return `${one.dataset} ${'charter' in one ? one.charter.serial : one.serial}`;
}

/** Whether the chain, asked for its state, does not have these charters either, any of them. */
async function isTakenBack({ ledger }: FollowPorts, gone: readonly Unfinal[], signal?: AbortSignal): Promise<boolean> {
  const datasets = gone.map(({ dataset }) => dataset);
  const { devices } = await ledger.readDevices(datasets, 'latest', signal);
  return gone.every(({ serial }, i) => (devices[i]?.serial ?? -1) < serial);
}

/** Of a dataset's only charter the owner's word stays. */
async function takeBack({ table }: FollowPorts, { dataset, serial }: Unfinal, signal?: AbortSignal): Promise<void> {
  const kept = await readCharterEntries(table, dataset, signal);
  const own = kept.find(({ charter }) => charter.serial === serial)?.charter;
  if (own !== undefined && kept.length === 1) {
    if (own.signature === null) return;
    await keepCharter(table, dataset, { charter: own, onChain: false }, signal);
  }
  await table.delete(datasetPk(dataset), charterSk(serial), 'any', signal);
}

/** Keeps those whose dataset is known here, and answers with them: nobody else's charters fill the table. */
async function keepKnown(
  { table }: FollowPorts,
  events: readonly ChainCharter[],
  signal?: AbortSignal,
): Promise<ChainCharter[]> {
  const byDataset = [...Map.groupBy(events, ({ dataset }) => dataset)];
  const kept = await mapBounded(byDataset, PARALLEL, async ([dataset, own]) => {
    const known = await readCharterEntries(table, dataset, signal);
    if (known.length === 0) return [];
    const unknown = await keepChartered(table, dataset, own, known, signal);
    // Another device or anchorer, perhaps: what is stored may have waited for that.
    if (unknown > 0 && (await readLogEnd(table, dataset, signal)) !== null) await markWork(table, dataset, signal);
    return own;
  });
  return kept.flat();
}
