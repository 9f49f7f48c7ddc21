import { AnswerError, type PlumblineError, ProofError, SegmentError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { logEnd } from '../outbox/log-end.ts';
import { adoptBatch } from './adopt-batch.ts';
import type { ChainView } from './chain-view.ts';
import type { Adopted, CompareParts } from './compare-parts.ts';
import { type FetchedFront, fetchFront } from './fetch-front.ts';
import { isFormerDevice } from './former-devices.ts';
import { contradicts } from './is-ours.ts';
import { type StoredBatch, verifyStored } from './verify-stored.ts';

/**
 * Takes batch after batch that is stored behind the end of our log: those of this device's own signature wherever they end,
 * those of a former device up to this charter's `from`. Stops where the storage gives none that follows, or the chain's
 * final log turns out to be another one.
 */
export async function adoptStored(
  parts: CompareParts,
  view: ChainView | null,
  listed: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<Adopted> {
  const { outbox } = parts;
  const isFormer = askOnce((signer) => isFormerDevice(parts, signer, view?.finalPoint.blockNumber ?? 0, signal));
  const adopted = { blocks: 0, known: 0 };
  for (;;) {
    const end = logEnd(outbox);
    if (view !== null && contradicts(outbox, view.final)) return adopted;
    const recorded = view !== null && view.latest.size > end.size;
    if (!recorded && !listed.has(end.size)) return adopted;
    const next = await readNext(parts, signal);
    if (next === null || !(await mayAdopt(parts, view, next.batch, isFormer))) return adopted;
    adopted.known += adoptBatch(parts, next.batch, next.fetched);
    adopted.blocks += next.batch.manifest.blocks.length;
  }
}

/** The stored batch behind the end of our log; null when the storage gives none, or one that does not follow: that is said. */
async function readNext(
  parts: CompareParts,
  signal: AbortSignal,
): Promise<{ readonly batch: StoredBatch; readonly fetched: FetchedFront } | null> {
  const { primitives, writer, account, outbox, report } = parts;
  const end = logEnd(outbox);
  try {
    const fetched = await fetchFront(parts, writer.dataset, end.size, signal);
    if (fetched === null) return null;
    return { fetched, batch: verifyStored(primitives, writer, account, end, fetched.front.manifest) };
  } catch (cause) {
    // What only storage says must not keep this device from going on.
    if (!isBadSegment(cause)) throw cause;
    report({ event: 'skipped', what: `the service's batch at block ${end.size}`, reason: cause.shortMessage });
    return null;
  }
}

/** Each account is asked for once. */
function askOnce(ask: (account: Address) => Promise<boolean>): (account: Address) => Promise<boolean> {
  const known = new Map<Address, Promise<boolean>>();
  return (account) => {
    const answer = known.get(account) ?? ask(account);
    known.set(account, answer);
    return answer;
  };
}

/** Whether an error says that a stored segment is not what it should be, or that another was given. */
export function isBadSegment(cause: unknown): cause is PlumblineError {
  return cause instanceof ProofError || cause instanceof SegmentError || cause instanceof AnswerError;
}

async function mayAdopt(
  parts: CompareParts,
  view: ChainView | null,
  { own, signer, end, manifest }: StoredBatch,
  isFormer: (signer: Address) => Promise<boolean>,
): Promise<boolean> {
  if (own) return true;
  // Of a former device: only where the chain says that this one is its successor.
  if (view === null || end.size > parts.charter.from) return false;
  if (await isFormer(signer)) return true;
  const what = `the service's batch at block ${manifest.first}`;
  parts.report({ event: 'skipped', what, reason: `Its signer, ${signer}, was never a device of this dataset.` });
  return false;
}
