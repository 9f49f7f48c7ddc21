import { resolve } from 'node:path';
import { ArgumentError } from '../core/errors.ts';
import type { HeldUp } from '../core/ports/sent-transactions.ts';
import {
  type Connection,
  type ConnectionValues,
  connectionFrom,
  readConnection,
  readConnectionFile,
} from './connection.ts';
import type { SenderHome } from './open-sender.ts';
import { type OpenedOwner, openedOwner, openKeystore } from './opened-owner.ts';

/** Where chain and service are: exactly one of the two. */
export interface WhereOptions {
  /** Path of the `stack.json` that `plumb local up` writes. */
  readonly stack?: string;
  /** Path of a `connection.json`, or its values. */
  readonly connection?: string | ConnectionValues;
}

/** Whose keys to use: exactly one of mnemonic and password. */
export interface KeyOptions {
  /** BIP-39 words. They are the owner: keep them out of the program's text, its arguments and its logs. */
  readonly mnemonic?: string;
  /** Password of the keystore in the home folder. */
  readonly password?: string;
  /**
   * Folder with the keystore, the list of datasets, what was seen of their logs and what was sent; what `plumb` calls
   * `--home`. Calls that send transactions need it, because nobody could replace a stuck
   * transaction that nobody remembers.
   */
  readonly home?: string;
  /** Receives what holds a transaction up, and which one replaced it. */
  readonly onHeldUp?: (heldUp: HeldUp) => void;
}

/** @throws ArgumentError unless exactly one place is named; FileError when its file is missing or malformed */
export async function openConnection({ stack, connection }: WhereOptions): Promise<Connection> {
  if ((stack === undefined) === (connection === undefined)) {
    throw new ArgumentError(
      'Give either stack (a path) or connection (a path or values), so that chain and service are known.',
    );
  }
  if (stack !== undefined) return readConnection({ stack, home: '.' });
  return typeof connection === 'string'
    ? readConnectionFile(resolve(connection))
    : connectionFrom(connection as ConnectionValues);
}

/** @throws ArgumentError unless exactly one of mnemonic and password is given; KeyError when it is wrong */
export async function openKeys({ mnemonic, password, home }: KeyOptions): Promise<OpenedOwner> {
  if ((mnemonic === undefined) === (password === undefined)) {
    throw new ArgumentError('Give either mnemonic, or password and home, so that the keys are known.');
  }
  if (mnemonic !== undefined) return openedOwner(mnemonic);
  if (home === undefined)
    throw new ArgumentError('A password opens the keystore in a home folder, so give home as well.');
  return openKeystore(resolve(home), password as string);
}

/** What a transaction is sent with. @throws ArgumentError without a home */
export function senderHomeOf({ home, onHeldUp = () => {} }: KeyOptions): SenderHome {
  if (home === undefined) {
    throw new ArgumentError('This sends a transaction, so give home, a folder in which to keep what was sent.');
  }
  return { home: resolve(home), onHeldUp };
}
