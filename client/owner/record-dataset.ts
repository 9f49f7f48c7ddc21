import type { SignedCharter } from '../../core/charter/charter.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError, ProofError, RequestRefusedError, StateError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { requireBoundedGrowth } from '../../core/log/growth.ts';
import { type Head, recoverHeadSigner, type SignedHead } from '../../core/log/head.ts';
import { joinGrowths } from '../../core/log/join-growths.ts';
import type { RecordCall, Update } from '../../core/ports/ledger.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { DatasetAnchor, StorageService } from '../../core/ports/service.ts';
import { type CharterSources, findCharters } from './find-charters.ts';

export interface RecordDeps {
  readonly hasher: Pick<Primitives, 'sha256'>;
  readonly sources: CharterSources & { readonly service: Pick<StorageService, 'getAnchor'> };
  /** DISSC as the owner's account. */
  readonly chain: {
    tryRecord(
      call: RecordCall,
      signal?: AbortSignal,
    ): Promise<{ readonly accepted: readonly boolean[]; readonly gas: bigint; readonly maxCostWei: bigint }>;
    record(call: RecordCall, signal?: AbortSignal): Promise<MinedTransaction>;
  };
}

/** What to send so that DISSC has as much of a dataset as the service, and what that costs. */
export interface RecordPlan {
  readonly dataset: DatasetId;
  readonly call: RecordCall;
  /** The head to record; null if only charters are missing. */
  readonly head: SignedHead | null;
  /** Blocks that DISSC has, and will have. */
  readonly from: number;
  readonly to: number;
  readonly gas: bigint;
  /** At the highest fee that the transaction offers. */
  readonly maxCostWei: bigint;
}

/**
 * Finds out what DISSC lacks of a dataset: the owner's charters (only the owner may send those that name an anchorer), and the
 * newest head that the service shows with the device's signature. Sends nothing.
 * @returns null if DISSC lacks nothing
 * @throws ArgumentError when no charter of the dataset is known; ProofError when what the service shows does not extend what is
 * recorded; StateError when DISSC would refuse it
 *
 * @example
 * const deps = { hasher: primitives, sources: { ledger, fromBlock, service, bucket }, chain: disscOwner };
 * const plan = await planRecord(deps, owner.address, { dataset, kept: charters });
 * console.log(plan === null ? 'DISSC has all of it' : plan.gas); // DISSC has all of it
 */
export async function planRecord(
  deps: RecordDeps,
  owner: Address,
  { dataset, kept }: { readonly dataset: DatasetId; readonly kept: readonly SignedCharter[] },
  signal?: AbortSignal,
): Promise<RecordPlan | null> {
  const { hasher, sources, chain } = deps;
  const { ledger, service } = sources;
  const search = { all: false, datasets: [dataset], kept };
  const [found] = (await findCharters({ ...sources, bucket: null }, owner, search, signal)).datasets;
  const newest = found?.charters.at(-1);
  if (found === undefined || newest === undefined) {
    throw new ArgumentError(
      `Dataset ${dataset} has no charter yet. Create the dataset first: plumb dataset create NAME`,
    );
  }
  const onChain = new Set(found.history.chartered.map(({ charter }) => charter.serial));
  const charters = found.charters.filter(({ serial }) => !onChain.has(serial));
  const recorded = (await ledger.readHeads([dataset], 'latest', signal)).heads[0] as Head;
  const shown = await ask(service, dataset, recorded.size, signal);
  const update = shown === null ? null : updateOf(hasher, recorded, shown);
  if (update !== null) requireSigned(ledger.domain, update, newest.device);
  if (update === null && charters.length === 0) return null;

  const call = { charters, updates: update === null ? [] : [update] };
  const { accepted, gas, maxCostWei } = await chain.tryRecord(call, signal);
  if (accepted.includes(false)) {
    throw new StateError(
      `DISSC would now refuse the head of ${counted(update?.size ?? recorded.size, 'block')}; another head may have been recorded meanwhile. Run the command again.`,
    );
  }
  return { dataset, call, head: update, from: recorded.size, to: update?.size ?? recorded.size, gas, maxCostWei };
}

/**
 * Sends what was planned.
 * @throws StateError when DISSC did not take it, because another head came first
 *
 * @example
 * const deps = { hasher: primitives, sources: { ledger, fromBlock, service, bucket }, chain: disscOwner };
 * const plan = await planRecord(deps, owner.address, { dataset, kept: charters });
 * if (plan !== null) console.log((await recordPlanned(deps, plan)).txHash);
 */
export async function recordPlanned(
  { sources, chain }: Pick<RecordDeps, 'sources' | 'chain'>,
  { dataset, call, to }: RecordPlan,
  signal?: AbortSignal,
): Promise<MinedTransaction> {
  const mined = await chain.record(call, signal);
  const { heads } = await sources.ledger.readHeads([dataset], 'latest', signal);
  const size = heads[0]?.size ?? 0;
  if (size >= to) return mined;
  throw new StateError(
    `Transaction ${mined.txHash} is mined, but DISSC has ${counted(size, 'block')} of the dataset, not ${to}, because another head came first. Run the command again.`,
    { details: { hash: mined.txHash } },
  );
}

/** Null if the service has no longer head. */
async function ask(
  service: Pick<StorageService, 'getAnchor'>,
  dataset: DatasetId,
  since: number,
  signal?: AbortSignal,
): Promise<DatasetAnchor | null> {
  try {
    return await service.getAnchor(dataset, { since }, signal);
  } catch (error) {
    if (error instanceof RequestRefusedError && error.status === 404) return null;
    throw error;
  }
}

function updateOf(
  hasher: Pick<Primitives, 'sha256'>,
  recorded: Head,
  { head, growth }: DatasetAnchor,
): (Update & SignedHead) | null {
  if (head === null || head.size <= recorded.size) return null;
  if (growth[0]?.from !== recorded.size || growth.at(-1)?.to !== head.size) {
    throw new ProofError(
      `The service does not show how the log grew from ${recorded.size} to ${counted(head.size, 'block')}.`,
    );
  }
  const joined = joinGrowths(hasher, growth);
  requireBoundedGrowth(hasher, recorded, head, joined);
  return { ...head, peaks: joined.peaks, appended: joined.appended };
}

function requireSigned(
  domain: Parameters<typeof recoverHeadSigner>[0],
  update: Update & SignedHead,
  device: Address,
): void {
  const signer = recoverHeadSigner(domain, update, update.signature);
  if (signer === device) return;
  throw new StateError(
    `${signer} signed the newest head of ${counted(update.size, 'block')}, but the newest charter names device ${device}. DISSC takes a head once that device has signed one.`,
  );
}
