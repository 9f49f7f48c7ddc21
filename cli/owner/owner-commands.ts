import type { Command } from 'commander';
import { addOwnerAgent } from './owner-agent.ts';
import { addOwnerGet } from './owner-get.ts';
import { addOwnerInit } from './owner-init.ts';
import { addOwnerLink } from './owner-link.ts';
import { addOwnerOffer } from './owner-offer.ts';
import { addOwnerPublish } from './owner-publish.ts';
import { addOwnerRestore } from './owner-restore.ts';
import { addOwnerServe } from './owner-serve.ts';
import { addOwnerVerify } from './owner-verify.ts';

/** Adds `plumb owner …`. */
export function addOwnerCommands(program: Command): void {
  const owner = program.command('owner').description("keys of a data owner, and the owner's checks");
  addOwnerInit(owner);
  addOwnerRestore(owner);
  addOwnerVerify(owner);
  addOwnerGet(owner);
  addOwnerPublish(owner);
  addOwnerLink(owner);
  addOwnerAgent(owner);
  addOwnerOffer(owner);
  addOwnerServe(owner);
}
