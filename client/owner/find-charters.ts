import {
  datasetOfCharter,
  isSameCharter,
  requireCharterSignature,
  type SignedCharter,
} from '../../core/charter/charter.ts';
import { decodeCharter, MAX_CHARTER_BYTES } from '../../core/charter/charter-file.ts';
import {
  type CharterHistory,
  charterHistory,
  chartersBySerial,
  contradictorySerials,
} from '../../core/charter/charters-in-force.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { PlumblineError, RequestRefusedError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { ChainCharter, Ledger } from '../../core/ports/ledger.ts';
import type { ObjectLister, ObjectStore } from '../../core/ports/object-store.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { listCharterKeys } from './list-charter-keys.ts';

/** Where charters are. Null for what cannot be asked; nothing that storage shows is believed before it is verified. */
export interface CharterSources {
  readonly ledger: Ledger;
  /** First chain block in which there can be any. */
  readonly fromBlock: number;
  readonly service: Pick<StorageService, 'getAnchor'> | null;
  readonly bucket: (Pick<ObjectStore, 'read'> & ObjectLister) | null;
}

/** Everything the owner has ever said about one dataset, as far as it was found. */
export interface DatasetCharters {
  readonly dataset: DatasetId;
  readonly history: CharterHistory;
  /** Those that count, by serial; with their signatures where somebody has shown them. */
  readonly charters: readonly SignedCharter[];
  /** Serials of which the owner has signed two different charters off the chain: none of them counts. */
  readonly contradictory: readonly number[];
}

export interface FoundCharters {
  readonly datasets: readonly DatasetCharters[];
  /** Which sources did not answer, in words. */
  readonly problems: readonly string[];
}

const PARALLEL_DATASETS = 8;

/** What to look for: these datasets, those that charters are kept of, and with `all` every one that chain and bucket know. */
export interface WantedCharters {
  readonly all: boolean;
  readonly datasets: readonly DatasetId[];
  readonly kept: readonly SignedCharter[];
}

/**
 * The charters of an owner: from the chain's events, from the service and the bucket, and those that are kept already.
 * @throws LedgerUnavailableError when the chain cannot be read; a service or bucket that does not answer is a problem told
 *
 * @example
 * const wanted = { all: true, datasets: [], kept: [] };
 * const { datasets, problems } = await findCharters({ ledger, fromBlock, service, bucket }, owner.address, wanted);
 * console.log(datasets.some((one) => one.dataset === dataset), problems.length); // true 0
 */
export async function findCharters(
  sources: CharterSources,
  owner: Address,
  wanted: WantedCharters,
  signal?: AbortSignal,
): Promise<FoundCharters> {
  const { ledger, fromBlock } = sources;
  const { domain } = ledger;
  const problems = new Set<string>();
  const { point } = await ledger.readHeads([], 'latest', signal);
  const events = await ledger.findChartered({ owner }, fromBlock, point.blockNumber, signal);
  const shown: SignedCharter[] = [...wanted.kept];
  const ids = new Set([...wanted.datasets, ...wanted.kept.map((charter) => datasetOfCharter(domain, charter))]);
  if (wanted.all) for (const { dataset } of events) ids.add(dataset);
  const orProblem = tellProblems(problems, signal);

  await orProblem(async () => {
    for (const prefix of wanted.all ? [''] : [...ids].map((id) => `${id.slice(2)}/charter-`)) {
      for await (const charter of chartersInBucket(sources.bucket, prefix, signal)) {
        shown.push(charter);
        if (charter.owner === owner) ids.add(datasetOfCharter(domain, charter));
      }
    }
  });
  await eachInParallel([...ids], PARALLEL_DATASETS, (dataset) =>
    orProblem(async () => {
      const charter = await charterOfService(sources.service, dataset, signal);
      if (charter !== null) shown.push(charter);
    }),
  );

  // A fleet has as many charters as datasets: each is looked at with those of its own dataset alone.
  const shownOf = Map.groupBy(shown, (charter) => datasetOfCharter(domain, charter));
  const eventsOf = Map.groupBy(events, ({ dataset }) => dataset);
  const datasets = [...ids].flatMap((dataset): DatasetCharters[] => {
    const found = collectCharters(domain, { owner, dataset }, shownOf.get(dataset) ?? [], eventsOf.get(dataset) ?? []);
    return found.charters.length === 0 && found.contradictory.length === 0 ? [] : [found];
  });
  return { datasets, problems: [...problems] };
}

/** Those that count of one dataset: shown ones only under the owner's signature, or where the chain has the very same. */
function collectCharters(
  domain: DisscDomain,
  { owner, dataset }: { readonly owner: Address; readonly dataset: DatasetId },
  shown: readonly SignedCharter[],
  events: readonly ChainCharter[],
): DatasetCharters {
  const verified = shown.filter(
    (charter) => charter.owner === owner && datasetOfCharter(domain, charter) === dataset && isSigned(domain, charter),
  );
  const history = charterHistory(verified, events);
  const charters = chartersBySerial(history).map((charter): SignedCharter => {
    const signed = verified.find((one) => isSameCharter(one, charter));
    return { ...charter, signature: signed?.signature ?? null };
  });
  return { dataset, history, charters, contradictory: contradictorySerials(verified, events) };
}

function isSigned(domain: DisscDomain, charter: SignedCharter): boolean {
  try {
    requireCharterSignature(domain, charter);
    return true;
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return false;
  }
}

async function* chartersInBucket(
  bucket: CharterSources['bucket'],
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<SignedCharter> {
  if (bucket === null) return;
  for await (const key of listCharterKeys(bucket, prefix, signal)) {
    const bytes = await bucket.read(key, { start: 0, end: MAX_CHARTER_BYTES + 1 }, signal);
    const charter = bytes === null ? null : readCharter(bytes);
    if (charter !== null) yield charter;
  }
}

function readCharter(bytes: Uint8Array): SignedCharter | null {
  try {
    return decodeCharter(bytes);
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return null;
  }
}

/** The charter that the service has; null when it knows nothing of the dataset. */
async function charterOfService(
  service: CharterSources['service'],
  dataset: DatasetId,
  signal: AbortSignal | undefined,
): Promise<SignedCharter | null> {
  try {
    return service === null ? null : (await service.getAnchor(dataset, {}, signal)).charter;
  } catch (cause) {
    if (cause instanceof RequestRefusedError && cause.status === 404) return null;
    throw cause;
  }
}

function tellProblems(
  problems: Set<string>,
  signal: AbortSignal | undefined,
): (ask: () => Promise<void>) => Promise<void> {
  return async (ask) => {
    try {
      await ask();
    } catch (cause) {
      signal?.throwIfAborted();
      if (!(cause instanceof PlumblineError)) throw cause;
      problems.add(cause.shortMessage);
    }
  };
}
