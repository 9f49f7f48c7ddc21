import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissingFile, readSecretFile, replaceSecretFile } from '../adapters/keys/secret-file.ts';
import { holdLock } from '../adapters/sqlite/hold-lock.ts';
import {
  newPurchase,
  type PurchaseState,
  type PurchaseStore,
  purchaseState,
} from '../client/consumer/purchase-state.ts';
import { FileError, StateError } from '../core/errors.ts';
import type { AgreementId } from '../core/ids.ts';
import { inFile } from '../core/parse-outside.ts';

/**
 * `purchases/<agreement>.json` in the consumer's folder, made when it is missing: every change is durable when it returns.
 * @throws FileError when the file is not what this program writes
 */
export async function openPurchaseFile(home: string, agreement: AgreementId): Promise<PurchaseStore> {
  await mkdir(join(home, 'purchases'), { recursive: true, mode: 0o700 });
  const path = purchasePath(home, agreement, 'json');
  let state = (await read(path, agreement)) ?? newPurchase(agreement);
  return {
    get state() {
      return state;
    },
    async save(change) {
      // A command beside this one may have noted a transaction.
      state = { ...((await read(path, agreement)) ?? state), ...change };
      await replaceSecretFile(path, `${JSON.stringify(state, amountsAsText, 2)}\n`);
    },
  };
}

/**
 * The agreements of which something is kept in a consumer's folder.
 * @throws FileError when the folder cannot be read
 */
export async function listPurchases(home: string): Promise<AgreementId[]> {
  try {
    const names = await readdir(join(home, 'purchases'));
    return names.flatMap((name) => {
      const id = /^([0-9a-f]{64})\.json$/.exec(name)?.[1];
      return id === undefined ? [] : [`0x${id}` as AgreementId];
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new FileError(`The folder ${join(home, 'purchases')} cannot be read.`, { cause });
  }
}

/** Held, so that none is collected while nobody keeps what releases it. */
const held = new Set<() => void>();

/**
 * Keeps others from auditing or fetching the same purchase until it is released or this process ends: two would draw other
 * samples, and mix their blocks in one file.
 * @returns releases it
 * @throws StateError when another one does
 */
export async function lockPurchase(home: string, agreement: AgreementId, store: PurchaseStore): Promise<() => void> {
  const path = purchasePath(home, agreement, 'lock');
  await (await open(path, 'a', 0o600)).close();
  const unlock = holdLock(path);
  if (unlock === null) {
    throw new StateError(`Another process is auditing or fetching ${agreement}. Wait for it, or stop it.`);
  }
  held.add(unlock);
  const release = (): void => {
    if (held.delete(unlock)) unlock();
  };
  try {
    // What the one before has written since this process read it.
    await store.save({});
    return release;
  } catch (cause) {
    release();
    throw cause;
  }
}

/** A file of one purchase in the consumer's folder: its state, the blocks verified so far, or what one process holds. */
export function purchasePath(home: string, agreement: AgreementId, kind: 'json' | 'blocks' | 'lock'): string {
  return join(home, 'purchases', `${agreement.slice(2)}.${kind}`);
}

async function read(path: string, agreement: AgreementId): Promise<PurchaseState | null> {
  let text: string;
  try {
    text = await readSecretFile(path);
  } catch (error) {
    if (isMissingFile(error)) return null;
    throw error;
  }
  const state = inFile(
    path,
    () => purchaseState.parse(JSON.parse(text)),
    'Move it away; the chain and the mnemonic hold everything that matters.',
  );
  if (state.agreement !== agreement) {
    throw new FileError(`${path} belongs to agreement ${state.agreement}. Move it away.`);
  }
  return state;
}

function amountsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
