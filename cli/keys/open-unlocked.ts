import { createHash } from 'node:crypto';
import { askHolder } from '../../adapters/keys/holder/ask-holder.ts';
import { PlumblineError } from '../../core/errors.ts';
import { type OpenedOwner, openKeystoreWithKey } from '../../library/opened-owner.ts';
import type { CommandContext } from '../run-command.ts';
import { placesOf } from './find-holder.ts';

/** What tells this content of a keystore from any other. */
export function keystoreSha256(json: string): string {
  return createHash('sha256').update(json).digest('hex');
}

/**
 * The owner of a home that `plumb keys unlock` has unlocked; null where its password has to be asked for. Whatever is wrong
 * with the holder is said, and the password asked for as ever: it opens nothing that the keystore does not confirm.
 * @param json the home's keystore
 */
export async function openUnlocked(
  { home, output }: Pick<CommandContext, 'home' | 'output'>,
  json: string,
): Promise<OpenedOwner | null> {
  for (const place of placesOf(home).places) {
    let key: Uint8Array | null = null;
    try {
      const said = await askHolder(place, { ask: 'key', keystoreSha256: keystoreSha256(json) });
      key = said?.key ?? null;
      if (key !== null) return openKeystoreWithKey(home, json, key);
    } catch (error) {
      if (!(error instanceof PlumblineError)) throw error;
      output.notice(`The key holder cannot be asked, so the password is needed. ${error.shortMessage}`);
    } finally {
      key?.fill(0);
    }
  }
  return null;
}
