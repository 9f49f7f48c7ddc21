import type { Purchase } from '../../client/consumer/open-purchase.ts';
import { paidBlocks } from '../../core/agreement/quota.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { NO_KEY } from '../../core/protocols/judge-with-keys.ts';
import type { Verdict } from '../../core/verdict.ts';

/**
 * What a consumer does next, after a check whose first bad verdict is this; `signedDue` is what the highest voucher says.
 */
export function nextStep({ id, kind, terms }: Purchase, bad: Verdict | null, signedDue: bigint): string {
  if (bad === null) return `Next: plumb consumer fetch ${id} --out FOLDER`;
  const isKeyOwed = kind === ENCRYPTED && bad.index < terms.first + paidBlocks(terms, signedDue);
  if (isKeyOwed && (bad.blame === 'owner' || bad.verdict === 'refused' || bad.reason === NO_KEY)) {
    return [
      'Next: pay nothing more. The block is signed for, so its key is owed; make the owner show it on the chain:',
      `  plumb consumer demand ${id} ${bad.index} --wait`,
      `Not shown within ${terms.windowSeconds} s, it costs the owner the bond.`,
    ].join('\n');
  }
  if (bad.blame === 'owner' || bad.verdict === 'refused') {
    return `Next: pay nothing more. plumb consumer quit ${id} ends it; what was not paid for comes back.`;
  }
  if (bad.reason === NO_KEY) {
    return `Next: the owner may be away: call again later. plumb consumer quit ${id} ends it; what was not paid for comes back.`;
  }
  return [
    `Next: pay nothing more, and make the owner show the block on the chain:`,
    `  plumb consumer challenge ${id} ${bad.index} --wait`,
    `Unanswered for ${terms.windowSeconds} s, it costs the owner the bond.`,
  ].join('\n');
}
