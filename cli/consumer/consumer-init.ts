import type { Command } from 'commander';
import { addInit } from '../init-keystore.ts';

/** Adds `plumb consumer init`. */
export function addConsumerInit(consumer: Command): void {
  addInit(
    consumer,
    'consumer',
    (account) => `Next, on a local stack: plumb local admit ${account} --fund-only\nThen: plumb consumer offers`,
  );
}
