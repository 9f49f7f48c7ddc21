import type { Command } from 'commander';
import { addOwnerGet } from './owner-get.ts';
import { addOwnerInit } from './owner-init.ts';
import { addOwnerLink } from './owner-link.ts';
import { addOwnerPublish } from './owner-publish.ts';
import { addOwnerRestore } from './owner-restore.ts';
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
}
