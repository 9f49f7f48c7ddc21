import type { Address, AgreementId } from '../../core/ids.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import { Problem } from '../answer/problem.ts';
import type { ServicePorts } from '../ports.ts';
import type { AgreementCaller, HttpRow } from '../row.ts';
import type { Admission } from './admission.ts';
import { createServedReader, type ServingPorts } from './is-served.ts';
import { keepBriefly } from './keep-briefly.ts';
import { createCallerVerifier, type SigningPorts } from './verify-caller.ts';

type Ports = SigningPorts & ServingPorts & Pick<ServicePorts, 'agreements'>;

/** The accepted agreement in the path, by the final chain: what is stored for it must not vanish with a reorganisation. */
export interface AdmittedAgreement {
  readonly agreement: Agreement;
}

/** Lets the parties of the agreement in the path in, as many of them as the row names, where its owner is served here. */
export function admitAgreement(
  ports: Ports,
  row: HttpRow & { readonly callers: readonly AgreementCaller[] },
): Admission<Address, AdmittedAgreement> {
  const { callers } = row;
  const isServed = createServedReader(ports);
  const readAgreement = keepBriefly<AgreementId, Agreement | null>(
    async (id, signal) => (await ports.agreements?.readAgreement(id, 'final', signal))?.agreement ?? null,
    ports.runtime,
  );
  const findAgreement = async (id: AgreementId, caller: Address, signal: AbortSignal): Promise<Agreement> => {
    const isWanted = (agreement: Agreement | null) =>
      callers.some((role) => agreement?.buyer != null && accountOf(agreement, role) === caller);
    const agreement = await readAgreement(id, isWanted, signal);
    if (agreement?.buyer == null) {
      throw new Problem('/problems/not-found', 'The agreement is not accepted in a final block of this chain.');
    }
    if (!isWanted(agreement)) {
      throw new Problem('/problems/forbidden', `Only the agreement's ${callers.join(' or ')} may do this.`);
    }
    if (!(await isServed(agreement.terms.dataset, agreement.owner, signal))) {
      throw new Problem('/problems/not-served', `This service does not store for ${agreement.owner}.`);
    }
    return agreement;
  };
  return {
    identify: createCallerVerifier(ports, row.limits.bodyBytes),
    admit: async ({ agreement }, caller, signal) => ({
      agreement: await findAgreement(agreement as AgreementId, caller, signal),
    }),
  };
}

function accountOf(agreement: Agreement, role: AgreementCaller): Address | undefined {
  return role === 'agent' ? agreement.agent : agreement.buyer?.signer;
}
