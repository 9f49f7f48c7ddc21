import type { Command } from 'commander';
import { addInit } from '../init-keystore.ts';

/** Adds `plumb owner init`. */
export function addOwnerInit(owner: Command): void {
  addInit(
    owner,
    'owner',
    (account) => `Next, on a local stack: plumb local admit ${account}\nThen: plumb dataset create NAME`,
  );
}
