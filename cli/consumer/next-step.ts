import type { Purchase } from '../../client/consumer/open-purchase.ts';
import { NO_KEY } from '../../core/protocols/judge-with-keys.ts';
import type { Verdict } from '../../core/verdict.ts';

/** What a consumer does next, after a check whose first bad verdict is this. */
export function nextStep({ id, terms }: Purchase, bad: Verdict | null): string {
  if (bad === null) return `Next: plumb consumer fetch ${id} --out FOLDER`;
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
