import type { Address, AgreementId, DatasetId } from '../../core/ids.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import type { Parties } from '../../core/ports/ledger.ts';
import { keepBriefly } from '../http/keep-briefly.ts';
import { Problem } from '../http/problem.ts';
import type { ServicePorts } from '../ports.ts';
import type { AgreementCaller, DatasetCaller, HttpRow } from '../table.ts';
import type { Access } from './access.ts';
import { createAccessFinder } from './find-access.ts';
import { createServedReader, type ServedReader } from './is-served.ts';
import { createGrantReader } from './read-grants.ts';

type Ports = Pick<ServicePorts, 'ledger' | 'agreements' | 'grants' | 'table' | 'settings' | 'nowMs'>;

/** What the chain says of that. */
export interface Admitted {
  readonly parties: Parties | null;
  readonly agreement: Agreement | null;
  readonly access: Access | null;
}

/** What a path names, and under which agreement its dataset is asked for. */
export interface Subject {
  readonly dataset?: DatasetId;
  readonly agreement?: AgreementId;
  readonly under?: AgreementId | undefined;
}

type Authoriser = (subject: Subject, caller: Address | null, signal: AbortSignal) => Promise<Admitted>;

const NOBODY: Admitted = { parties: null, agreement: null, access: null };
const AGREEMENT_CALLERS: readonly string[] = ['agent', 'signer'] satisfies AgreementCaller[];

/**
 * Lets the callers of a row in, as parties of the dataset or of an agreement, by the chain alone; when it cannot be read,
 * nobody.
 * @throws Problem when the caller is none of them, LedgerUnavailableError when the chain does not answer
 */
export function createAuthoriser(ports: Ports, row: Pick<HttpRow, 'callers' | 'delivers'>): Authoriser {
  const { callers } = row;
  if (callers === 'anyone') return async () => NOBODY;
  const ofAgreement = callers.filter((role): role is AgreementCaller => AGREEMENT_CALLERS.includes(role));
  const ofDataset = callers.filter((role): role is DatasetCaller => !AGREEMENT_CALLERS.includes(role));
  const isServed = createServedReader(ports);
  const forDataset = datasetAuthoriser(ports, ofDataset);
  const forAgreement = agreementAuthoriser(ports, ofAgreement, isServed);
  const findAccess =
    row.delivers === undefined ? null : createAccessFinder(ports, isServed, createGrantReader(ports), row.delivers);
  return async ({ dataset, agreement, under }, caller, signal) => {
    if (agreement !== undefined) return { ...NOBODY, agreement: await forAgreement(agreement, caller, signal) };
    if (under === undefined || findAccess === null) {
      return { ...NOBODY, parties: await forDataset(dataset as DatasetId, caller, signal) };
    }
    return { ...NOBODY, access: await findAccess(dataset as DatasetId, under, caller, signal) };
  };
}

function datasetAuthoriser(ports: Ports, wanted: readonly DatasetCaller[]) {
  const readParties = keepBriefly<DatasetId, Parties | null>(
    async (dataset, signal) => (await ports.ledger.readParties([dataset], 'latest', signal)).parties[0] ?? null,
    ports.nowMs,
  );
  return async (dataset: DatasetId, caller: Address | null, signal: AbortSignal): Promise<Parties> => {
    const isWanted = (parties: Parties | null) =>
      parties !== null && caller !== null && wanted.some((role) => parties[role].toLowerCase() === caller);
    const parties = await readParties(dataset, isWanted, signal);
    if (parties === null) throw new Problem('/problems/not-found', 'No such dataset has been opened on this chain.');
    if (!isWanted(parties)) {
      throw new Problem('/problems/forbidden', `Only the dataset's ${wanted.join(' or ')} may do this.`);
    }
    return parties;
  };
}

/** Agreements count once they are final: what is stored for them must not vanish with a reorganisation. */
function agreementAuthoriser(ports: Ports, wanted: readonly AgreementCaller[], isServed: ServedReader) {
  const readAgreement = keepBriefly<AgreementId, Agreement | null>(
    async (id, signal) => (await ports.agreements?.readAgreement(id, 'final', signal))?.agreement ?? null,
    ports.nowMs,
  );
  return async (id: AgreementId, caller: Address | null, signal: AbortSignal): Promise<Agreement> => {
    const isWanted = (agreement: Agreement | null) =>
      caller !== null && wanted.some((role) => agreement?.buyer != null && accountOf(agreement, role) === caller);
    const agreement = await readAgreement(id, isWanted, signal);
    if (agreement?.buyer == null) {
      throw new Problem('/problems/not-found', 'No such agreement has been accepted on this chain, finally.');
    }
    if (!isWanted(agreement)) {
      throw new Problem('/problems/forbidden', `Only the agreement's ${wanted.join(' or ')} may do this.`);
    }
    if (!(await isServed(agreement.terms.dataset, agreement.owner, signal))) {
      throw new Problem('/problems/not-served', `This service does not store for ${agreement.owner}.`);
    }
    return agreement;
  };
}

function accountOf(agreement: Agreement, role: AgreementCaller): Address | undefined {
  return role === 'agent' ? agreement.agent : agreement.buyer?.signer;
}
