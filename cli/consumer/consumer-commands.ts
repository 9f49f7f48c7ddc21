import type { Command } from 'commander';
import { addInit } from '../init-keystore.ts';
import { addWithdraw } from '../withdraw-credit.ts';
import { addConsumerAccept } from './consumer-accept.ts';
import { addConsumerAudit } from './consumer-audit.ts';
import { addConsumerChallenge } from './consumer-challenge.ts';
import { addConsumerFetch } from './consumer-fetch.ts';
import { addConsumerOffers } from './consumer-offers.ts';
import { addConsumerSettlements } from './consumer-settle.ts';
import { addConsumerStatus } from './consumer-status.ts';

/** Adds `plumb consumer …`. */
export function addConsumerCommands(program: Command): void {
  const consumer = program.command('consumer').description('what a consumer buys, checks and pays for');
  addInit(
    consumer,
    'consumer',
    (account) => `Next, on a local stack: plumb local admit ${account} --fund-only\nThen: plumb consumer offers`,
  );
  addConsumerOffers(consumer);
  addConsumerAccept(consumer);
  addConsumerStatus(consumer);
  addConsumerAudit(consumer);
  addConsumerFetch(consumer);
  addConsumerChallenge(consumer);
  addConsumerSettlements(consumer);
  addWithdraw(consumer, 'consumer', 'what was not paid for, bonds and stakes');
}
