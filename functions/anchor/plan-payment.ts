import type { GrantRecorder } from '../../core/ports/grant-recorder.ts';
import type { Grant, GrantId, Grants } from '../../core/ports/grants.ts';
import type { ChainPoint } from '../../core/ports/ledger.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import type { Unpaid } from '../state/entries.ts';
import { forgetGrant, listGrantIds } from '../state/grant-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Paid, Pending } from './pending.ts';

/**
 * Who pays for a record: a grant, now or once its interval has passed, or nobody; then why, null where the dataset never had
 * a grant.
 */
export type Payment =
  | { readonly by: 'grant'; readonly terms: Pick<Paid, 'grant' | 'perRecordWei'> }
  | { readonly by: 'grant-later' }
  | { readonly by: 'nobody'; readonly unpaid: Unpaid | null };

const PARALLEL = 8;
const UNPAID: Payment = { by: 'nobody', unpaid: null };

/**
 * Finds for each dataset the grant that pays for its record, by the latest block: payment and record are one transaction, so
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
  await forgetOver({ table, grants }, { point, grants: found }, signal);
  // On a quiet chain the next block is later than the latest one by far.
  const nextBlockMs = Math.max(point.timestampMs, ports.runtime.nowMs());
  const untilMs = point.timestampMs + ports.anchorSettings.grantMarginMs;
  return pending.map((one, i) => {
    const known = (ids[i] as GrantId[]).map((id) => byId.get(id) ?? null);
    return choose(known.filter(isFor(one, grantRecorder)), { nextBlockMs, untilMs });
  });
}

function isFor({ dataset }: Pending, { account }: GrantRecorder) {
  return (grant: Grant | null): grant is Grant =>
    grant !== null && grant.terms.css === account && grant.terms.dataset === dataset;
}

/** Of several that pay, the one that pays most. */
function choose(grants: readonly Grant[], { nextBlockMs, untilMs }: { nextBlockMs: number; untilMs: number }): Payment {
  const live = grants.filter(({ state, endSeconds }) => state === 'accepted' && 1000 * endSeconds > untilMs);
  const fuelled = live.filter(({ fuelWei, terms }) => fuelWei >= terms.perRecordWei);
  const [best] = fuelled
    .filter((grant) => nextBlockMs >= paysFromMs(grant))
    .sort((a, b) => (a.terms.perRecordWei < b.terms.perRecordWei ? 1 : -1));
  if (best !== undefined) return { by: 'grant', terms: { grant: best.id, perRecordWei: best.terms.perRecordWei } };
  if (fuelled.length > 0) return { by: 'grant-later' };
  if (live.length > 0) return { by: 'nobody', unpaid: 'no-fuel' };
  return { by: 'nobody', unpaid: grants.some(({ state }) => state !== 'proposed') ? 'over' : null };
}

/** From when on ASC pays for the next record: an interval after the last one that it has paid for. */
function paysFromMs({ paidAtSeconds, terms }: Grant): number {
  return paidAtSeconds === 0 ? 0 : 1000 * (paidAtSeconds + terms.intervalSeconds);
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
  { dataset, unpaid: before, onlyPaid, recordedSize: size }: Pending,
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
    observer.info('recording is paid for again', { dataset, size });
    return;
  }
  const then = onlyPaid ? 'nothing more is recorded until it is paid for' : 'this service pays for recording it';
  observer.warn(`${SAID[unpaid]}: ${then}`, { dataset, size, unpaid });
  observer.count(unpaid === 'no-fuel' ? 'Anchor.noFuel' : 'Anchor.unpaid');
}
