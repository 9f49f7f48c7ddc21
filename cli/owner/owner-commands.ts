import type { Command } from 'commander';
import { addWithdraw } from '../withdraw-credit.ts';
import { addOwnerAgent } from './owner-agent.ts';
import { addOwnerAuthorise } from './owner-authorise.ts';
import { addOwnerCancel } from './owner-cancel.ts';
import { addOwnerClose } from './owner-close.ts';
import { addOwnerGet } from './owner-get.ts';
import { addOwnerGrants } from './owner-grants.ts';
import { addOwnerInit } from './owner-init.ts';
import { addOwnerLink } from './owner-link.ts';
import { addOwnerOffer } from './owner-offer.ts';
import { addOwnerOffers } from './owner-offers.ts';
import { addOwnerPublish } from './owner-publish.ts';
import { addOwnerRestore } from './owner-restore.ts';
import { addOwnerServe } from './owner-serve.ts';
import { addOwnerVerify } from './owner-verify.ts';

/** Adds `plumb owner …`. */
export function addOwnerCommands(program: Command): void {
  const owner = program.command('owner').description("keys of a data owner, the owner's checks and sales");
  addOwnerInit(owner);
  addOwnerRestore(owner);
  addOwnerVerify(owner);
  addOwnerGet(owner);
  addOwnerPublish(owner);
  addOwnerLink(owner);
  addOwnerAgent(owner);
  addOwnerOffer(owner);
  addOwnerOffers(owner);
  addOwnerCancel(owner);
  addOwnerClose(owner);
  addWithdraw(owner, 'owner', 'prices, bonds and stakes');
  addOwnerServe(owner);
  addOwnerAuthorise(owner);
  addOwnerGrants(owner);
}
