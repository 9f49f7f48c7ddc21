import { type ConsumerLoss, mostToLose, type OwnerLoss } from '../../core/agreement/most-to-lose.ts';
import { type OddTerm, oddTerms } from '../../core/agreement/odd-terms.ts';
import { type Address, NATIVE_COIN } from '../../core/ids.ts';
import type { Agreement, AgreementMarket, QuestionCosts } from '../../core/ports/agreements.ts';
import type { ChainBlocks } from '../../core/ports/chain-blocks.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { TokenName, Tokens } from '../../core/ports/tokens.ts';
import { defaultAhead } from './pay-ahead.ts';

/** What an offer is looked at through. */
export interface OfferLooker {
  readonly market: Pick<AgreementMarket, 'readQuestionCosts'>;
  readonly ledger: Pick<Ledger, 'readHeads' | 'findRecorded'>;
  readonly chainBlocks: ChainBlocks;
  readonly tokens: Tokens;
  /** Chain block from which DISSC exists. */
  readonly fromBlock: number;
}

/** What is shown of an offer before anything is sent. */
export interface LookedAtOffer {
  readonly consumer: ConsumerLoss;
  readonly owner: OwnerLoss;
  readonly odd: readonly OddTerm[];
  readonly costs: QuestionCosts;
  /** What price, fee and bond are in; null for the native coin. */
  readonly token: TokenName | null;
}

/**
 * Looks at an offer, or at terms before they are offered: what either side can lose by them with the defaults, and what is
 * odd about them. `meantToken` is the token that the consumer says it means to pay in.
 * @throws LedgerUnavailableError
 *
 * @example
 * const { agreement: offer } = await market.readAgreement(agreement, 'latest');
 * const { consumer: mostToLose, odd } = await lookAtOffer(looker, offer, null);
 * console.log(mostToLose, odd.map(({ words }) => words));
 */
export async function lookAtOffer(
  { market, ledger, chainBlocks, tokens, fromBlock }: OfferLooker,
  { terms, kind, agent, ownerEncryptionKey }: Pick<Agreement, 'terms' | 'kind' | 'agent' | 'ownerEncryptionKey'>,
  meantToken: Address | null,
  signal?: AbortSignal,
): Promise<LookedAtOffer> {
  const costs = await market.readQuestionCosts(signal);
  const { point } = await ledger.readHeads([], 'latest', signal);
  const [first] = await ledger.findRecorded(terms.dataset, fromBlock, point.blockNumber, signal);
  const [begun = null] = first === undefined ? [] : await chainBlocks.readBlocks([first.blockNumber], signal);
  const token = terms.token === NATIVE_COIN ? null : await tokens.readToken(terms.token, signal);
  const odd = oddTerms({
    ...{ terms, kind, agent, encryptionKey: ownerEncryptionKey, token, costs },
    agentHasCode: await tokens.isContract(agent, signal),
    isTokenMeant: meantToken === terms.token,
    recordedSinceSeconds: begun === null ? null : Math.floor(begun.timestampMs / 1000),
    nowSeconds: Math.floor(point.timestampMs / 1000),
  });
  const losses = mostToLose({ terms, kind, ahead: defaultAhead(terms.count), costs });
  return { ...losses, odd, costs, token };
}
