import type { LookedAtOffer } from '../client/consumer/look-at-offer.ts';
import { defaultAhead } from '../client/consumer/pay-ahead.ts';
import { riskOfAhead } from '../core/agreement/most-to-lose.ts';
import type { Terms } from '../core/agreement/terms.ts';
import { type DatasetKind, ENCRYPTED } from '../core/charter/kind.ts';
import { counted } from '../core/counted.ts';
import { NATIVE_COIN } from '../core/ids.ts';
import { durationText } from './duration-text.ts';
import type { Output } from './output.ts';
import { showAmount } from './show-amount.ts';

/** What a consumer can lose by an offer, whatever the owner does: before it is accepted. */
export function consumerLossText({ consumer, token }: LookedAtOffer, terms: Terms): string {
  const { money, fee, blocks, challengeWei, demandWei, questionsWei, lockedSeconds } = consumer;
  const unit = token ?? terms.token;
  const wei = (amount: bigint): string => showAmount(amount, NATIVE_COIN);
  const keys = demandWei === 0n ? '' : `, ${wei(demandWei)} for each key that you demand (${terms.maxDemands} allowed)`;
  const price = showAmount(terms.price, unit);
  const ahead = `the fee of ${showAmount(fee, unit)}, and ${counted(blocks, 'block')} that you pay for before checking ${blocks === 1 ? 'it' : 'them'} (as plumb consumer fetch does by default)`;
  return [
    'The most that you can lose, whatever the owner and the storage do:',
    `  money      ${showAmount(money, unit)} of the price of ${price}: ${fee === terms.price ? 'the fee is all of it' : ahead}`,
    `  questions  ${wei(challengeWei)} for each challenge that is answered (${terms.maxChallenges} allowed)${keys}: ${wei(questionsWei)} if you ask all of them, at today's gas price`,
    `  time       the rest of the price stays in escrow until you approve or quit, for ${durationText(1000 * lockedSeconds)} at most`,
    '  gas        what your own transactions cost',
  ].join('\n');
}

/** What an owner can lose by an offer, whatever the consumer does: before it is made. */
export function ownerLossText({ owner, token, costs }: LookedAtOffer, terms: Terms, kind: DatasetKind): string {
  const { blocks, worth, fee, publicKeys, publicChunks, answersWei, bond, lockedSeconds } = owner;
  const unit = token ?? terms.token;
  const isEncrypted = kind === ENCRYPTED;
  const shown = isEncrypted ? 'previews' : 'samples, which show the content itself because nothing is encrypted';
  return [
    'The most that you can lose, whatever the consumer does:',
    `  blocks     ${blocks} of ${terms.count}, which the consumer reads without paying: ${shown}. By these terms they cost ${showAmount(worth, unit)}; you keep the fee of ${showAmount(fee, unit)}`,
    ...(isEncrypted
      ? [
          `  keys       at most ${counted(publicKeys, 'content key')} of paid blocks and ${counted(publicChunks, 'encrypted chunk')} become public on the chain. A chunk has up to 1,024 bytes, and each challenge shows one. Anyone can read a chunk whose key is also public`,
        ]
      : [
          `  chunks     at most ${counted(publicChunks, 'chunk')} of any blocks for sale become public on the chain. A chunk has up to 1,024 bytes, and each challenge shows one. A smaller block becomes public as a whole`,
        ]),
    `  gas        ${showAmount(answersWei, NATIVE_COIN)} at today's gas price, if the consumer makes ${counted(terms.maxChallenges, 'challenge')}${isEncrypted ? ` and ${counted(terms.maxDemands, 'demand')}` : ''}, all that the terms allow: what answers cost beyond the stakes that they earn${costs.baseFeeWei === null ? '. This chain has no base fee, so a demand brings nothing' : ''}. The agent's claims also cost gas`,
    `  bond       ${showAmount(bond, unit)}, if a challenged chunk${isEncrypted ? ' or the key of a paid block' : ''} is not shown within ${durationText(1000 * terms.windowSeconds)}. You are liable for the storage that you chose`,
    `  time       the bond is locked until the sale is over, ${durationText(1000 * lockedSeconds)} from acceptance at most`,
  ].join('\n');
}

/** What is odd about an offer; null where nothing is. */
export function oddText(output: Output, { odd }: Pick<LookedAtOffer, 'odd'>, heading: string): string | null {
  if (odd.length === 0) return null;
  return [output.style('yellow', heading), ...odd.map(({ code, words }) => `  ${code}: ${words}`)].join('\n');
}

/** What a consumer risks by paying ahead as it asked to, and what the default would risk. */
export interface AheadRisk {
  /** Blocks paid for before they are checked, at most. */
  readonly blocks: number;
  /** The fee and these blocks, in units of the token. */
  readonly money: bigint;
  /** The same without `--ahead`. */
  readonly byDefault: { readonly blocks: number; readonly money: bigint };
}

export function aheadRisk(terms: Terms, ahead: number = defaultAhead(terms.count)): AheadRisk {
  return { ...riskOfAhead(terms, ahead), byDefault: riskOfAhead(terms, defaultAhead(terms.count)) };
}

/** Said before anything is signed: acceptance has shown what the default risks. */
export function aheadText(output: Output, { token, price }: Terms, { blocks, money, byDefault }: AheadRisk): string {
  const said = `Pays for ${counted(blocks, 'block')} before checking ${blocks === 1 ? 'it' : 'them'}, at most. You can lose ${showAmount(money, token)} of the price of ${showAmount(price, token)}, the fee included`;
  if (blocks <= byDefault.blocks) return `${said}.`;
  const less = `without --ahead it is ${counted(byDefault.blocks, 'block')} and ${showAmount(byDefault.money, token)}`;
  return output.style('yellow', `${said}; ${less}.`);
}
