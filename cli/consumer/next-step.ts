import type { Purchase } from '../../client/consumer/open-purchase.ts';
import { paidBlocks } from '../../core/agreement/quota.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { NO_KEY } from '../../core/protocols/judge-with-keys.ts';
import type { Verdict } from '../../core/verdict.ts';

/** What whoever holds damaged bytes can prove, and cannot. */
const RETRIEVED_DAMAGE = [
  'What can be proven: that these bytes are not the recorded ones, to whoever looks at them and the log.',
  'What cannot: that the storage sent them, as its answers are not signed; nor which chunk of the block is damaged.',
  'A challenge proves whether the owner has one random chunk. One damaged chunk of n is met with a chance of 1 in n.',
];

/**
 * What a consumer does next, after a check whose first bad verdict is this; `signedDue` is what the highest voucher says.
 */
export function nextStep({ id, kind, terms }: Purchase, bad: Verdict | null, signedDue: bigint): string {
  if (bad === null) return `Next: plumb consumer fetch ${id} --out FOLDER`;
  const isKeyOwed = kind === ENCRYPTED && bad.index < terms.first + paidBlocks(terms, signedDue);
  if (isKeyOwed && (bad.blame === 'owner' || bad.verdict === 'refused' || bad.reason === NO_KEY)) {
    return [
      'Next: pay nothing more. The block is signed for, so its key is owed; make the owner show it on the chain:',
      `  plumb consumer demand ${id} --blocks ${bad.index} --wait`,
      `Not shown within ${terms.windowSeconds} s, it costs the owner the bond. The key becomes public by it, the bytes of the block do not.`,
    ].join('\n');
  }
  if (bad.blame === 'owner' || bad.verdict === 'refused') {
    return `Next: pay nothing more. plumb consumer quit ${id} ends it; what was not paid for comes back.`;
  }
  if (bad.reason === NO_KEY) {
    return `Next: the owner may be away: call again later. plumb consumer quit ${id} ends it; what was not paid for comes back.`;
  }
  return [
    ...(bad.evidence === 'retrieved' && bad.verdict === 'corrupted' ? RETRIEVED_DAMAGE : []),
    'Next: pay nothing more. Make the owner show a chunk of the block on the chain:',
    `  plumb consumer challenge ${id} ${bad.index} --wait`,
    `Unanswered for ${terms.windowSeconds} s, it costs the owner the bond. Answered, it costs you the stake; then ${id.slice(0, 10)}… is ended by: plumb consumer quit ${id}`,
  ].join('\n');
}
