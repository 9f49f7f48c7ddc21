import { LedgerUnavailableError } from '../../core/errors.ts';
import type { Address, AgreementId, DatasetId } from '../../core/ids.ts';
import type { Agreement, Buyer } from '../../core/ports/agreements.ts';
import { Problem } from '../answer/problem.ts';
import type { ServicePorts } from '../ports.ts';
import type { Kind } from '../row.ts';
import type { Access } from './access.ts';
import type { ServedReader } from './is-served.ts';
import { keepBriefly } from './keep-briefly.ts';
import { OPEN_STATES } from './open-states.ts';
import type { GrantReader } from './read-grants.ts';

type Ports = Pick<ServicePorts, 'agreements' | 'runtime'>;
type Accepted = Agreement & { readonly buyer: Buyer };

/** Finds out under which terms an account may be served blocks of a dataset for an agreement. */
export type AccessFinder = (
  dataset: DatasetId,
  agreement: AgreementId,
  caller: Address,
  signal: AbortSignal,
) => Promise<Access>;

/** What the chain says of an accepted agreement; null when it is not, finally. */
interface Sighting {
  readonly final: Accepted;
  readonly latest: Accepted;
}

/** The agent answers questions up to their deadline, by the chain's clock: this is for clocks that differ. */
const AGENT_MARGIN_MS = 3_600_000;

/**
 * Lets an agreement's parties in: it counts once its acceptance is final, while its end and its closing count as soon as
 * they are on the chain, and are kept at most 15 s (specification#rights). The consumer also needs the owner's grant for
 * this service.
 * @throws Problem when the caller is neither party, or is not served any more; LedgerUnavailableError when the chain does
 *   not answer
 */
export function createAccessFinder(
  ports: Ports,
  isServed: ServedReader,
  readGrants: GrantReader,
  kind: Kind,
): AccessFinder {
  const readAgreement = keepBriefly<AgreementId, Sighting | null>(
    (id, signal) => sight(ports, id, signal),
    ports.runtime,
  );
  return async (dataset, id, caller, signal) => {
    const sighting = await readAgreement(id, (known) => known !== null && hasRight(ports, known, caller), signal);
    if (sighting === null) {
      throw new Problem('/problems/no-agreement', `Agreement ${id} is not accepted in a final block of this chain.`);
    }
    const { final: agreement } = sighting;
    const role = roleOf(agreement, caller);
    if (role === null) {
      throw new Problem('/problems/forbidden', "Only the agreement's signer or agent may do this.");
    }
    if (agreement.terms.dataset !== dataset) {
      throw new Problem('/problems/forbidden', `The agreement is for dataset ${agreement.terms.dataset}.`);
    }
    if (ports.runtime.nowMs() >= servedUntilMs(sighting, role)) throw hasEnded(sighting, role);

    if (!(await isServed(dataset, agreement.owner, signal))) {
      throw new Problem('/problems/not-served', `This service does not store for ${agreement.owner}.`);
    }
    if (role === 'agent') return { agreement, grants: null };
    const granted = await readGrants(dataset, (known) => known.some((grant) => grant[kind]), signal);
    const grants = granted.filter((grant) => grant[kind]);
    if (grants.length > 0) return { agreement, grants };
    throw new Problem(
      '/problems/no-grant',
      `The owner's grants do not let this service show ${kind} of this dataset now.`,
    );
  };
}

async function sight({ agreements }: Ports, id: AgreementId, signal?: AbortSignal): Promise<Sighting | null> {
  if (agreements === null) return null;
  const [{ agreement: final }, { agreement: latest }] = await Promise.all([
    agreements.readAgreement(id, 'final', signal),
    agreements.readAgreement(id, 'latest', signal),
  ]);
  if (!isAccepted(final)) return null;
  if (!isAccepted(latest)) {
    throw new LedgerUnavailableError('The latest block lacks something that the final block has. Check the node.');
  }
  return { final, latest };
}

function isAccepted(agreement: Agreement | null): agreement is Accepted {
  return agreement?.buyer != null;
}

function hasRight(ports: Ports, sighting: Sighting, caller: Address): boolean {
  const role = roleOf(sighting.final, caller);
  return role !== null && ports.runtime.nowMs() < servedUntilMs(sighting, role);
}

function roleOf({ agent, buyer }: Accepted, caller: Address): 'agent' | 'signer' | null {
  if (agent === caller) return 'agent';
  return buyer.signer === caller ? 'signer' : null;
}

/** When this ends for a party; 0 when it has. A question may come until the end, and is open until it has lapsed for good. */
function servedUntilMs({ final, latest }: Sighting, role: 'agent' | 'signer'): number {
  if (role === 'agent') {
    if (latest.question !== null) return Number.POSITIVE_INFINITY;
    return 1000 * (final.buyer.endSeconds + final.terms.windowSeconds) + AGENT_MARGIN_MS;
  }
  if (!isDelivered(final) || !isDelivered(latest)) return 0;
  return 1000 * Math.min(final.buyer.endSeconds, latest.buyer.endSeconds);
}

/**
 * Who has approved has paid for everything, and is served until the end that was agreed. While a question is open or has
 * lapsed, what is paid for goes on to be delivered: vouchers count then, too.
 */
function isDelivered({ state, due, terms }: Agreement): boolean {
  return OPEN_STATES.includes(state) || (state === 'closed' && due === terms.price);
}

function hasEnded({ latest }: Sighting, role: 'agent' | 'signer'): Problem {
  const end = new Date(1000 * latest.buyer.endSeconds).toISOString();
  const since = role === 'agent' ? ', and so has the time to answer questions' : '';
  return new Problem('/problems/ended', `The agreement is ${latest.state}, its end is ${end}${since}.`);
}
