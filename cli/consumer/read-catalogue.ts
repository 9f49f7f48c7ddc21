import { printable } from '../../client/printable.ts';
import { PlumblineError } from '../../core/errors.ts';
import type { Address, AgreementId } from '../../core/ids.ts';
import { type Description, descriptionName, requireDescription } from '../../core/market/description.ts';
import type { SignedText } from '../../core/market/signed-text.ts';
import { type Connection, openCatalogue } from '../../library/connection.ts';
import { openMarket } from '../../library/open-contracts.ts';
import type { Output } from '../output.ts';

/** What the owner of an offer says of it, and what that is called by. */
export interface Described {
  readonly name: `0x${string}`;
  readonly description: Description;
  readonly signed: SignedText;
}

/**
 * What owners say of their offers, of those whose signatures hold. Offers are on the chain: where the service does not answer,
 * they are shown without.
 */
export async function readCatalogue(
  connection: Connection,
  offers: readonly { readonly id: AgreementId; readonly owner: Address }[],
  output: Output,
  signal: AbortSignal,
): Promise<ReadonlyMap<AgreementId, Described>> {
  const { domain } = openMarket(connection);
  const described = new Map<AgreementId, Described>();
  if (offers.length === 0) return described;
  let found: ReadonlyMap<AgreementId, SignedText>;
  try {
    found = await openCatalogue(connection).getDescriptions(
      offers.map(({ id }) => id),
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PlumblineError)) throw error;
    output.notice(`The service does not return the descriptions of offers: ${printable(error.shortMessage)}`);
    return described;
  }
  for (const offer of offers) {
    const signed = found.get(offer.id);
    if (signed === undefined) continue;
    try {
      const description = requireDescription(domain, offer, signed);
      described.set(offer.id, { name: descriptionName(domain, offer.id, signed.text), description, signed });
    } catch (error) {
      if (!(error instanceof PlumblineError)) throw error;
      output.notice(
        `The description of ${offer.id} is left out because its owner did not sign it: ${printable(error.shortMessage)}`,
      );
    }
  }
  return described;
}

/** Whether every word stands somewhere in what is said of an offer. */
export function matches(words: readonly string[], texts: readonly (string | null | undefined)[]): boolean {
  const fold = (text: string) => text.normalize('NFKC').toLowerCase();
  const all = texts.map((text) => fold(text ?? '')).join('\n');
  return words.every((word) => all.includes(fold(word)));
}
