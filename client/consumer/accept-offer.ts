import type { EncryptionPublicKey } from '../../core/agreement/seal-message.ts';
import { to0x } from '../../core/bytes.ts';
import { ArgumentError, StateError } from '../../core/errors.ts';
import type { Address, AgreementId } from '../../core/ids.ts';
import type { SignedText } from '../../core/market/signed-text.ts';
import type { Agreement, AgreementParty, Agreements } from '../../core/ports/agreements.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import { awaitAgreement } from './await-agreement.ts';
import { type LookedAtOffer, lookAtOffer, type OfferLooker } from './look-at-offer.ts';
import { noteTransaction } from './note-transaction.ts';
import type { PurchaseStore } from './purchase-state.ts';

/** What accepting an offer needs. */
export interface AcceptParts {
  readonly market: Pick<Agreements, 'readAgreement'>;
  /** OCASC as the consumer. */
  readonly party: Pick<AgreementParty, 'accept'>;
  readonly looker: OfferLooker;
  /** The key made for this agreement alone. */
  readonly keys: { readonly signer: Address; readonly publicKey: EncryptionPublicKey };
  readonly store: PurchaseStore;
  readonly runtime: Runtime;
  /** What the owner says of the offer, its signature checked: it is shown, and kept with the purchase. */
  readonly readDescribed?: (offer: Agreement, signal?: AbortSignal) => Promise<SignedText | null>;
}

/** The consumer's choices about an offer. */
export interface AcceptChoices {
  /** The token that the consumer intends to pay in; null if none was named. */
  readonly token: Address | null;
  /** Called once before anything is sent, with what can be lost, what is odd and the description. If false, nothing is sent. */
  readonly agrees: (seen: LookedAtOffer, offer: Agreement, described: SignedText | null) => boolean | Promise<boolean>;
  /** Called when the acceptance is on the chain and not final yet. */
  readonly onSent?: () => void;
  /** How long to wait for a final block. */
  readonly waitMs: number;
}

/**
 * Accepts an offer: looks at it, asks the consumer, puts the price into escrow, and waits until that is final. If these keys have
 * accepted the offer before, it only waits; it pays nothing twice.
 * @returns the agreement as it is final; null when the consumer did not agree
 * @throws ArgumentError when there is no such offer, or its price is in another token than the one named; StateError when it
 * cannot be accepted any more, or OCASC refuses; LedgerUnavailableError when it is not final in time
 *
 * @example
 * const choices = { token: null, agrees: ({ odd }) => odd.length === 0, waitMs: 120_000 };
 * const accepted = await acceptOffer({ market, party, looker, keys, store: purchaseStore, runtime }, agreement, choices);
 * console.log(accepted?.buyer?.consumer);
 */
export async function acceptOffer(
  { market, party, looker, keys, store, runtime, readDescribed }: AcceptParts,
  id: AgreementId,
  { token, agrees, onSent, waitMs }: AcceptChoices,
  signal?: AbortSignal,
): Promise<Agreement | null> {
  const { agreement: offer } = await market.readAgreement(id, 'latest', signal);
  if (offer === null) throw new ArgumentError(`There is no offer ${id} on this chain.`);
  // Accepted by these keys already, in a run that did not see it.
  if (offer.buyer?.signer !== keys.signer) {
    requireAcceptable(offer, token);
    const described = (await readDescribed?.(offer, signal)) ?? null;
    if (!(await agrees(await lookAtOffer(looker, offer, token, signal), offer, described))) return null;
    const { text, signature } = described ?? {};
    if (text !== undefined && signature !== undefined) {
      await store.save({ described: { text, signature: to0x(signature) } });
    }
    const call = { id, token: offer.terms.token, price: offer.terms.price };
    await noteTransaction(store, 'accept', await party.accept(call, keys.signer, keys.publicKey, signal));
  }
  onSent?.();
  return awaitAgreement(
    { market, runtime },
    { id, anchor: 'final', what: 'the acceptance in a final block', limitMs: waitMs },
    ({ buyer }) => buyer?.signer === keys.signer,
    signal,
  );
}

function requireAcceptable({ id, state, terms }: Agreement, meant: Address | null): void {
  if (state !== 'offered') {
    const last = terms.first + terms.count - 1;
    throw new StateError(
      `Offer ${id} of blocks ${terms.first} to ${last} is ${state}. Look for another: plumb consumer offers`,
    );
  }
  if (meant === null || meant === terms.token) return;
  throw new ArgumentError(`The price of offer ${id} is in ${terms.token}, not in ${meant}.`);
}
