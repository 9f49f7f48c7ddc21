import { anchorerOf, nextSerial, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { ArgumentError } from '../../core/errors.ts';
import { type Address, type DatasetId, NO_ACCOUNT } from '../../core/ids.ts';
import type { RecordCall } from '../../core/ports/ledger.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { type CharterSources, type DatasetCharters, findCharters } from './find-charters.ts';
import { type CharteringOwner, requireSerialNotAhead, showCharter } from './open-datasets.ts';

export interface NameAnchorerDeps {
  readonly sources: CharterSources & { readonly service: Pick<StorageService, 'getAnchor' | 'putCharter'> };
  /** DISSC as the owner's account. */
  readonly chain: {
    /** Waits until nothing that this account has sent before is under way, or it is stuck. */
    settle(signal?: AbortSignal): Promise<void>;
    tryRecord(call: RecordCall, signal?: AbortSignal): Promise<{ readonly gas: bigint; readonly maxCostWei: bigint }>;
    recordCharters(charters: readonly SignedCharter[], signal?: AbortSignal): Promise<readonly MinedTransaction[]>;
  };
  readonly nowSeconds: () => number;
}

/** What it takes to name an anchorer for one dataset. */
export interface NamedAnchorer {
  readonly dataset: DatasetId;
  /** Whom its charter in force names so far; null where it is recorded directly only. */
  readonly before: Address | null;
  /** All that count once it is done, by serial, under the owner's signature where it gives one. */
  readonly charters: readonly [SignedCharter, ...SignedCharter[]];
  /** Those that the chain lacks; none where the charter in force names this anchorer already. */
  readonly toSend: readonly SignedCharter[];
}

export interface AnchorerPlan {
  readonly datasets: readonly NamedAnchorer[];
  /** Datasets that go along in one transaction each. */
  readonly parts: readonly (readonly NamedAnchorer[])[];
  readonly gas: bigint;
  /** At the highest fee that is offered for it. */
  readonly maxCostWei: bigint;
  /** Which sources did not answer, in words. */
  readonly problems: readonly string[];
}

/** A part of a plan that is mined and shown. */
export interface DoneAnchorers {
  readonly datasets: readonly NamedAnchorer[];
  readonly transactions: readonly MinedTransaction[];
  /** How many of them the service does not have yet, and why the first of them. */
  readonly unshown: number;
  readonly problem: string | null;
}

/** With a first charter each, some 5 M of the 16.7 M gas and 85 of the 128 KB that a transaction may have. */
const DATASETS_A_TRANSACTION = 100;
const PARALLEL_SHOWN = 8;

/**
 * Looks what it takes until the charters in force of these datasets name an anchorer, or none. Nothing is sent. What this account
 * has sent before is mined first, so that a command that was killed while it waited is not done twice.
 * @param isWanted by whom the charter in force names so far, whether the dataset is meant
 * @throws ArgumentError when no charter of a dataset is known; StateError when this machine's clock is ahead of the chain
 *
 * @example
 * const sources = { ledger, fromBlock, service, bucket };
 * const deps = { primitives, sources, chain: disscOwner, nowSeconds: () => Math.floor(Date.now() / 1000) };
 * const isElsewhere = (before) => before !== null && before !== operator;
 * const plan = await planAnchorer(deps, owner, [{ dataset, kept: charters }], operator, isElsewhere);
 * console.log(plan.parts.length, plan.gas); // 0 0n
 */
export async function planAnchorer(
  deps: NameAnchorerDeps,
  owner: CharteringOwner,
  wanted: readonly { readonly dataset: DatasetId; readonly kept: readonly SignedCharter[] }[],
  anchorer: Address | null,
  isWanted: (before: Address | null) => boolean = () => true,
  signal?: AbortSignal,
): Promise<AnchorerPlan> {
  const { sources, chain } = deps;
  await chain.settle(signal);
  const search = {
    all: false,
    datasets: wanted.map(({ dataset }) => dataset),
    kept: wanted.flatMap(({ kept }) => kept),
  };
  const found = await findCharters(sources, owner.address, search, signal);
  const { point } = await sources.ledger.readHeads([], 'latest', signal);
  const byId = new Map(found.datasets.map((one) => [one.dataset, one]));
  const datasets = wanted.flatMap(({ dataset }) => {
    const named = nameOne(deps, owner, dataset, byId.get(dataset), anchorer);
    return isWanted(named.before) ? [named] : [];
  });
  const toSend = datasets.filter((one) => one.toSend.length > 0);
  for (const one of toSend) requireSerialNotAhead(one.charters.at(-1)?.serial ?? 0, point);
  const parts: NamedAnchorer[][] = [];
  let [gas, maxCostWei] = [0n, 0n];
  for (let at = 0; at < toSend.length; at += DATASETS_A_TRANSACTION) {
    const part = toSend.slice(at, at + DATASETS_A_TRANSACTION);
    const tried = await chain.tryRecord({ charters: part.flatMap((one) => one.toSend), updates: [] }, signal);
    gas += tried.gas;
    maxCostWei += tried.maxCostWei;
    parts.push(part);
  }
  return { datasets, parts, gas, maxCostWei, problems: found.problems };
}

/**
 * Sends a plan's charters and shows them to the service, part by part. It may end anywhere and be planned again: what is mined by
 * then is not sent a second time. Those that the chain has already are shown as well, as a former run may have ended in between.
 *
 * @example
 * const sources = { ledger, fromBlock, service, bucket };
 * const deps = { primitives, sources, chain: disscOwner, nowSeconds: () => Math.floor(Date.now() / 1000) };
 * const isElsewhere = (before) => before !== null && before !== operator;
 * const plan = await planAnchorer(deps, owner, [{ dataset, kept: charters }], operator, isElsewhere);
 * await sendAnchorer(deps, plan, async ({ datasets, unshown }) => console.log(datasets.length, unshown));
 */
export async function sendAnchorer(
  { sources, chain }: Pick<NameAnchorerDeps, 'sources' | 'chain'>,
  { datasets, parts }: Pick<AnchorerPlan, 'datasets' | 'parts'>,
  onDone: (done: DoneAnchorers) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const show = async (part: readonly NamedAnchorer[], transactions: readonly MinedTransaction[]): Promise<void> => {
    const problems: string[] = [];
    await eachInParallel([...part], PARALLEL_SHOWN, async ({ dataset, charters }) => {
      const newest = charters.at(-1) as SignedCharter;
      const refused = await showCharter(sources.service, dataset, newest, signal);
      if (refused !== null) problems.push(refused.shortMessage);
    });
    await onDone({ datasets: part, transactions, unshown: problems.length, problem: problems[0] ?? null });
  };
  for (const part of parts) {
    const transactions = await chain.recordCharters(
      part.flatMap(({ toSend }) => toSend),
      signal,
    );
    await show(part, transactions);
  }
  const unchanged = datasets.filter(({ toSend }) => toSend.length === 0);
  if (unchanged.length > 0) await show(unchanged, []);
}

function nameOne(
  { sources, nowSeconds }: NameAnchorerDeps,
  owner: CharteringOwner,
  dataset: DatasetId,
  found: DatasetCharters | undefined,
  anchorer: Address | null,
): NamedAnchorer {
  const newest = found?.charters.at(-1);
  if (found === undefined || newest === undefined) {
    throw new ArgumentError(`No charter of dataset ${dataset} is known. Create it first: plumb dataset create NAME`);
  }
  const before = anchorerOf(newest);
  // The chain's events carry no signature; the owner's key gives the very same again.
  const signed = found.charters.map((charter) => ({
    ...charter,
    signature: charter.signature ?? signCharter(sources.ledger.domain, charter, owner.privateKey),
  }));
  if (before === anchorer) return { dataset, before, charters: signed as [SignedCharter], toSend: [] };
  const serial = nextSerial(nowSeconds(), Math.max(newest.serial, ...found.contradictory));
  const unsigned = { ...newest, anchorer: anchorer ?? NO_ACCOUNT, serial };
  const charter = { ...unsigned, signature: signCharter(sources.ledger.domain, unsigned, owner.privateKey) };
  // Earlier ones that the chain lacks go along: with them it names every device there ever was, and the serial of its keys.
  const onChain = new Set(found.history.chartered.map((event) => event.charter.serial));
  const missing = signed.filter((one) => !onChain.has(one.serial));
  return { dataset, before, charters: [...signed, charter] as [SignedCharter], toSend: [...missing, charter] };
}
