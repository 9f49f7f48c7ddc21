import type { Purchase } from '../../client/consumer/open-purchase.ts';
import { paidBlocks } from '../../core/agreement/quota.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { NO_KEY } from '../../core/protocols/judge-with-keys.ts';
import type { Verdict } from '../../core/verdict.ts';
import { durationText } from '../duration-text.ts';

/** What whoever holds damaged bytes can prove, and cannot. */
const RETRIEVED_DAMAGE = [
  'You can prove to anyone who looks at these bytes and the log that the bytes are not the recorded ones.',
  'You cannot prove that the storage sent them, because its answers are not signed, nor which chunk of the block is damaged.',
  'A challenge shows whether the owner has one random chunk. If one chunk of n is damaged, it hits that chunk with a chance of 1 in n.',
];

/** How to audit first, with a look at what the first samples hold where the terms give it. */
export function auditCommand(id: string, { previews }: Pick<Terms, 'previews'>): string {
  return `plumb consumer audit ${id} --protocol III${previews === 0 ? '' : ' --previews ./previews'}`;
}

/**
 * What a consumer does next, after a check whose first bad verdict is this; `signedDue` is what the highest voucher says.
 */
export function nextStep({ id, kind, terms }: Purchase, bad: Verdict | null, signedDue: bigint): string {
  if (bad === null) return `Next: plumb consumer fetch ${id} --out FOLDER`;
  const isKeyOwed = kind === ENCRYPTED && bad.index < terms.first + paidBlocks(terms, signedDue);
  if (isKeyOwed && (bad.blame === 'owner' || bad.verdict === 'refused' || bad.reason === NO_KEY)) {
    return [
      'Next: pay nothing more. You have signed for the block, so the owner owes you its key. Demand it on the chain:',
      `  plumb consumer demand ${id} --blocks ${bad.index} --wait`,
      `If the owner does not show it within ${durationText(1000 * terms.windowSeconds)}, the owner loses the bond. The key becomes public; the bytes of the block do not.`,
    ].join('\n');
  }
  if (bad.blame === 'owner' || bad.verdict === 'refused') {
    return `Next: pay nothing more. End the agreement and get the unpaid part back: plumb consumer quit ${id}`;
  }
  if (bad.reason === NO_KEY) {
    return `Next: the owner may be offline, so try again later. To end the agreement and get the unpaid part back: plumb consumer quit ${id}`;
  }
  return [
    ...(bad.evidence === 'retrieved' && bad.verdict === 'corrupted' ? RETRIEVED_DAMAGE : []),
    'Next: pay nothing more. Make the owner show a chunk of the block on the chain:',
    `  plumb consumer challenge ${id} ${bad.index} --wait`,
    `If the owner does not answer within ${durationText(1000 * terms.windowSeconds)}, the owner loses the bond. If the owner answers, you lose the stake; then end the agreement: plumb consumer quit ${id}`,
  ].join('\n');
}
