import type { AgreementDomain } from '../../core/agreement/terms.ts';
import { ArgumentError, PlumblineError } from '../../core/errors.ts';
import { type Address, address, NATIVE_COIN } from '../../core/ids.ts';
import { type NamedRequest, requireRequest } from '../../core/market/buying-request.ts';
import type { MarketService } from '../../core/ports/service.ts';
import type { OfferTerms } from '../../library/offer-terms.ts';
import { resolveId } from '../../library/short-ids.ts';
import type { Output } from '../output.ts';
import { showAmount } from '../show-amount.ts';

/** The board's requests whose signatures hold, and how many others the service gave. */
export async function readRequests(
  service: Pick<MarketService, 'listRequests'>,
  domain: AgreementDomain,
  signal: AbortSignal,
): Promise<{ readonly requests: readonly NamedRequest[]; readonly distrusted: number }> {
  const requests: NamedRequest[] = [];
  let distrusted = 0;
  for (const signed of await service.listRequests(signal)) {
    try {
      requests.push(requireRequest(domain, signed));
    } catch (error) {
      if (!(error instanceof PlumblineError)) throw error;
      distrusted++;
    }
  }
  return { requests, distrusted };
}

/** @throws ArgumentError when the board has no such request */
export async function findRequest(
  service: Pick<MarketService, 'listRequests'>,
  domain: AgreementDomain,
  text: string,
  signal: AbortSignal,
): Promise<NamedRequest> {
  const { requests } = await readRequests(service, domain, signal);
  const id = await resolveId(text, 'a request', async () => requests.map((one) => one.id));
  const found = requests.find((one) => one.id === id);
  if (found !== undefined) return found;
  throw new ArgumentError(`The board has no request ${id}. It may have expired: plumb owner requests`);
}

/**
 * Who may accept an offer that answers a request. What asks for more than was wished is said, and made all the same.
 * @throws ArgumentError when somebody else is named
 */
export function answering(
  { id, request }: NamedRequest,
  { consumer, price, token = NATIVE_COIN }: OfferTerms,
  output: Output,
): { readonly consumer: Address } {
  const account = address(request.account);
  if (consumer !== undefined && consumer !== account) {
    throw new ArgumentError(
      `--consumer is ${consumer}; request ${id} comes from ${account}. Leave out one of the two.`,
    );
  }
  if (request.price !== null) {
    const most = BigInt(request.price.most);
    const wished = address(request.price.token);
    if (wished !== token || price > most) {
      output.notice(
        `The request pays at most ${showAmount(most, wished)}; this offer asks ${showAmount(price, token)}.`,
      );
    }
  }
  return { consumer: account };
}
