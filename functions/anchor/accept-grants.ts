import type { Grant, GrantId } from '../../core/ports/grants.ts';
import { listGrantIds, MAX_GRANTS, rememberGrant } from '../state/grant-entry.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import { findAcceptable } from './find-proposals.ts';
import { type Sender, type Sent, sendCall } from './send-call.ts';

/** Recording comes before accepting: of the transactions under way, acceptances are never more than these. */
const MAX_ACCEPTS = 4;

/** Accepts what is proposed to this service and to its liking. What goes wrong here keeps nothing from being recorded. */
export async function acceptGrants(
  ports: AnchorPorts,
  sender: Sender,
  accepting: ReadonlySet<GrantId>,
  signal?: AbortSignal,
): Promise<Sent> {
  const { table, observer, grantRecorder } = ports;
  let acceptable: Grant[];
  try {
    acceptable = await findAcceptable(ports, accepting, signal);
  } catch (error) {
    signal?.throwIfAborted();
    observer.error('grants not looked for', { error });
    observer.count('Anchor.grantsFailed');
    return 'sent';
  }
  for (const { id, terms } of acceptable.slice(0, Math.max(0, MAX_ACCEPTS - accepting.size))) {
    if ((await listGrantIds(table, terms.dataset, signal)).length >= MAX_GRANTS) continue;
    const simulated = (await grantRecorder?.simulateAccept(id, signal)) ?? null;
    // Dropped by its owner meanwhile, or accepted by another run.
    if (simulated === null) continue;
    // Before it is accepted, so that nothing that is ever goes unknown.
    await rememberGrant(table, terms.dataset, id, signal);
    const sent = await sendCall(ports, sender, { kind: 'accept', grant: id }, simulated.gas, signal);
    if (sent !== 'sent') return sent;
    observer.info('accepting a grant', { grant: id, dataset: terms.dataset, perRecordWei: String(terms.perRecordWei) });
    observer.count('Anchor.accepted');
  }
  return 'sent';
}
