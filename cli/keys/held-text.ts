import type { HeldState } from '../../adapters/keys/holder/holder-protocol.ts';
import { durationText } from '../duration-text.ts';

/** What is unlocked, and until when. */
export function heldText({ account, keystore, pid, untilMs, remainingMs }: HeldState): string {
  const until = new Date(untilMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return `The keys of ${account} (${keystore}) are unlocked until ${until}, for ${durationText(remainingMs)}: process ${pid} holds them.`;
}
