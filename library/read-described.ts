import { PlumblineError } from '../core/errors.ts';
import { requireDescription } from '../core/market/description.ts';
import type { SignedText } from '../core/market/signed-text.ts';
import type { Agreement } from '../core/ports/agreements.ts';
import { type Connection, openCatalogue } from './connection.ts';
import { openMarket } from './open-contracts.ts';

/**
 * What the owner of an offer says of it, its signature checked; null where the service has nothing that holds, or does not answer:
 * a description is no term, and an offer can do without.
 * @throws FileError where the connection names no OCASC
 */
export async function readDescribed(
  connection: Connection,
  offer: Pick<Agreement, 'id' | 'owner'>,
  signal?: AbortSignal,
): Promise<SignedText | null> {
  const { domain } = openMarket(connection);
  try {
    const signed = (await openCatalogue(connection).getDescriptions([offer.id], signal)).get(offer.id) ?? null;
    if (signed !== null) requireDescription(domain, offer, signed);
    return signed;
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof PlumblineError)) throw error;
    return null;
  }
}
