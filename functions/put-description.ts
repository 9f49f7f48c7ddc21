import middy from '@middy/core';
import { equalBytes, fromHex } from '../core/bytes.ts';
import { ArgumentError, ProofError } from '../core/errors.ts';
import type { Address, AgreementId } from '../core/ids.ts';
import { descriptionSigner, parseDescription } from '../core/market/description.ts';
import type { SignedText } from '../core/market/signed-text.ts';
import type { Agreement, Agreements } from '../core/ports/agreements.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf } from './ports.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { createServedReader, type ServedReader, type ServingPorts } from './rights/is-served.ts';
import { notServed } from './rights/not-served.ts';
import { agreementPk, DESCRIPTION_SK, type SignedEntry } from './state/entries.ts';
import { putDescriptionRow as row } from './table.ts';

type Ports = ServingPorts & {
  readonly agreements: Pick<Agreements, 'domain' | 'readAgreement'> | null;
  readonly isServed: ServedReader;
};

/** How long a description is kept when the agreement is over: parties may have to look something up. */
const KEPT_SECONDS = 30 * 86_400;
/** An offer may say that it can be accepted for ever; what is said of it is kept no longer than that. */
const LONGEST_OFFER_SECONDS = 365 * 86_400;

/**
 * Keeps what an offer's owner says of it, once for each offer: what a consumer has read before buying stays what it was. Who
 * is not served here is refused before the chain is asked, and each description that is kept has cost its owner an offer.
 * @returns false when the very same description was kept before
 * @throws Problem when it is not by the offer's owner, the owner is not served, or another description is there
 */
export async function putDescription(
  ports: Ports,
  agreement: AgreementId,
  signed: SignedText,
  signal: AbortSignal,
): Promise<boolean> {
  const { agreements, settings, table } = ports;
  if (agreements === null) throw new Problem('/problems/not-found', 'This service serves no agreements.');
  const signer = requireForm(agreements.domain, agreement, signed);
  const [quotaBytes = null] = await ports.owners.quotasOf([signer], signal);
  if (quotaBytes === null && settings().grants.openQuotaBytes === null) throw notServed(settings(), signer);
  // What was offered a moment ago may be described: should it be gone again, nobody finds this.
  const { agreement: offer } = await agreements.readAgreement(agreement, 'latest', signal);
  if (offer === null) throw new Problem('/problems/not-found', 'This chain has no such offer.');
  if (offer.owner !== signer) {
    throw new Problem(
      '/problems/forbidden',
      `${signer} signed the description, but the offer belongs to ${offer.owner}.`,
    );
  }
  if (!(await ports.isServed(offer.terms.dataset, signer, signal))) throw notServed(settings(), signer);
  const expiresAtS = keptUntil(offer, Math.floor(ports.runtime.nowMs() / 1000));
  const key = { pk: agreementPk(agreement), sk: DESCRIPTION_SK };
  if (await table.put({ ...key, ...signed, expiresAtS }, 'absent', signal)) return true;
  const there = (await table.get(key.pk, key.sk, signal)) as SignedEntry | null;
  if (there?.text !== signed.text || !equalBytes(there.signature, signed.signature)) {
    throw new Problem(
      '/problems/described',
      'The offer already has a different description. Cancel the offer and make another one.',
    );
  }
  return false;
}

function keptUntil({ terms, buyer }: Agreement, nowSeconds: number): number {
  const acceptBy = Math.min(Number(terms.acceptBySeconds), nowSeconds + LONGEST_OFFER_SECONDS);
  const endSeconds = buyer?.endSeconds ?? Math.max(acceptBy, nowSeconds) + terms.durationSeconds;
  return endSeconds + terms.windowSeconds + KEPT_SECONDS;
}

/** The account that signed. */
function requireForm(domain: Agreements['domain'], agreement: AgreementId, signed: SignedText): Address {
  try {
    parseDescription(signed.text);
    return descriptionSigner(domain, agreement, signed);
  } catch (error) {
    if (!(error instanceof ArgumentError) && !(error instanceof ProofError)) throw error;
    throw new Problem('/problems/bad-request', `body: ${error.shortMessage}`.slice(0, 500));
  }
}

export const handlerFor = (given: PortsOf<typeof row>) => {
  const ports = { ...given, isServed: createServedReader(given) };
  return middy(async ({ params, body, signal }: Call<typeof row, null>) => {
    const signed = { text: body.text, signature: fromHex(body.signature) };
    return jsonAnswer({ stored: await putDescription(ports, params.agreement, signed, signal) });
  }).use(httpMiddleware(ports, row, admitAnyone(row)));
};
