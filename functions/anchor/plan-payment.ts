import type { GrantRecorder } from '../../core/ports/grant-recorder.ts';
import type { Grant, GrantId, Grants } from '../../core/ports/grants.ts';
import type { ChainPoint } from '../../core/ports/ledger.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import type { Unpaid } from '../state/entries.ts';
import { forgetGrant, listGrantIds } from '../state/grant-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Pending } from './build-update.ts';

/** The grant that pays, and for how many batches; or why none does, null where the dataset never had one. */
export type Payment =
  | { readonly grant: GrantId; readonly perBatchWei: bigint; readonly maxBatches: number }
  | { readonly grant: null; readonly unpaid: Unpaid | null };

const PARALLEL = 8;
const UNPAID: Payment = { grant: null, unpaid: null };

/**
 * Finds for each dataset the grant that pays for its batches, by the latest block: payment and record are one transaction, so
 * what a reorganisation takes back it takes back together. Of a grant's fuel nothing is spoken for elsewhere: a grant is for
 * one dataset, and nothing is sent for a dataset while an update of it is under way.
 */
export async function planPayments(
  ports: AnchorPorts,
  pending: readonly Pending[],
  signal?: AbortSignal,
): Promise<Payment[]> {
  const { table, grants, grantRecorder } = ports;
  if (grants === null || grantRecorder === null) return pending.map(() => UNPAID);
  const ids = await mapBounded(pending, PARALLEL, ({ dataset }) => listGrantIds(table, dataset, signal));
  if (ids.every((known) => known.length === 0)) return pending.map(() => UNPAID);
  const { point, grants: found } = await grants.readGrants(ids.flat(), 'latest', signal);
  const byId = new Map(found.map((grant, i) => [ids.flat()[i], grant]));
  const untilMs = point.timestampMs + ports.anchorSettings.grantMarginMs;
  await forgetOver({ table, grants }, { point, grants: found }, signal);
  return pending.map((one, i) => {
    const known = (ids[i] as GrantId[]).map((id) => byId.get(id) ?? null);
    return choose(one, known.filter(isFor(one, grantRecorder)), untilMs);
  });
}

function isFor({ dataset }: Pending, { account }: GrantRecorder) {
  return (grant: Grant | null): grant is Grant =>
    grant !== null && grant.terms.css === account && grant.terms.dataset === dataset;
}

/** The one that pays for most of them; of several, the one that pays most. */
function choose({ entries }: Pending, grants: readonly Grant[], untilMs: number): Payment {
  const usable = grants
    .filter(({ state, endSeconds }) => state === 'accepted' && 1000 * endSeconds > untilMs)
    .map(({ id, terms: { perBatchWei }, fuelWei }) => {
      const affordable = perBatchWei === 0n ? BigInt(entries.length) : fuelWei / perBatchWei;
      const maxBatches = affordable < BigInt(entries.length) ? Number(affordable) : entries.length;
      return { grant: id, perBatchWei, maxBatches };
    })
    .filter(({ maxBatches }) => maxBatches > 0)
    .sort((a, b) => b.maxBatches - a.maxBatches || (a.perBatchWei < b.perBatchWei ? 1 : -1));
  const [best] = usable;
  if (best !== undefined) return best;
  const live = grants.some(({ state, endSeconds }) => state === 'accepted' && 1000 * endSeconds > untilMs);
  if (live) return { grant: null, unpaid: 'no-fuel' };
  return { grant: null, unpaid: grants.some(({ state }) => state !== 'proposed') ? 'over' : null };
}

/** Those that are over in the final chain are of no use to anybody any more. */
async function forgetOver(
  { table, grants }: { table: AnchorPorts['table']; grants: Grants },
  { point, grants: found }: { point: ChainPoint; grants: readonly (Grant | null)[] },
  signal?: AbortSignal,
): Promise<void> {
  const over = found.flatMap((grant) => (grant !== null && isOver(grant, point.timestampMs) ? [grant.id] : []));
  if (over.length === 0) return;
  const final = await grants.readGrants(over, 'final', signal);
  for (const grant of final.grants) {
    if (grant !== null && isOver(grant, final.point.timestampMs))
      await forgetGrant(table, grant.terms.dataset, grant.id, signal);
  }
}

function isOver({ state, endSeconds }: Grant, nowMs: number): boolean {
  return state === 'ended' || 1000 * endSeconds <= nowMs;
}

const SAID: Readonly<Record<Unpaid, string>> = {
  'no-fuel': 'the grant is out of fuel',
  over: 'the grants are over, or about to be',
  'too-dear': 'the gas costs more than the grant pays',
};

/** Keeps whether a dataset's recording is paid for, and says so when that has changed. */
export async function noteUnpaid(
  { table, observer }: AnchorPorts,
  { dataset, unpaid: before, onlyPaid, batches }: Pending,
  unpaid: Unpaid | null,
  signal?: AbortSignal,
): Promise<void> {
  if (unpaid === before) return;
  await changeDatasetEntry(
    table,
    dataset,
    ({ unpaid: _, ...rest }) => (unpaid === null ? rest : { ...rest, unpaid }),
    signal,
  );
  if (unpaid === null) {
    observer.info('recording is paid for again', { dataset, batches });
    return;
  }
  const then = onlyPaid ? 'nothing more is recorded until it is paid for' : 'this service pays for recording it';
  observer.warn(`${SAID[unpaid]}: ${then}`, { dataset, batches, unpaid });
  observer.count(unpaid === 'no-fuel' ? 'Anchor.noFuel' : 'Anchor.unpaid');
}
