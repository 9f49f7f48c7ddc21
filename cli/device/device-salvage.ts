import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { FileError, StateError } from '../../core/errors.ts';
import { isOutboxHeld } from '../../device/outbox/lock-outbox.ts';
import { type Salvage, writeSalvaged } from '../../device/outbox/salvage/write-salvaged.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { outboxPathOf } from './outbox-path.ts';
import { showBytes } from './parse-units.ts';

interface SalvageOptions {
  readonly provision: string;
  readonly outbox?: string;
  readonly out: string;
  readonly json?: boolean;
}

/** Adds `plumb device salvage`: saves what a damaged outbox still has. No key is needed, and the outbox is not changed. */
export function addDeviceSalvage(device: Command): void {
  const command = device
    .command('salvage')
    .description('Save what can be read out of a damaged outbox into a folder, and say what is lost.')
    .option('--provision <file>', 'the device.json whose outbox to save', 'device.json')
    .option('--outbox <file>', 'the outbox, where it is not beside the provision file')
    .option('--out <folder>', 'folder to create; an existing one is never used', 'salvaged')
    .addHelpText('after', EXAMPLES);
  withJson(command).action((options: SalvageOptions) =>
    runCommand(options, async ({ output }) => {
      const path = resolve(options.outbox ?? outboxPathOf(options.provision));
      const folder = resolve(options.out);
      if (!existsSync(path)) throw new FileError(`There is no outbox at ${path}. Name it: --outbox FILE`);
      if (isOutboxHeld(path)) throw new StateError(`A device works on ${path} now. Stop it first.`);
      if (existsSync(folder)) throw new FileError(`${folder} exists already. Give another name: --out FOLDER`);
      const salvage = writeSalvaged(path, folder);
      output.result({ folder, ...salvage }, describe(folder, salvage));
      return salvage.damaged + salvage.missing + salvage.behind === 0 ? EXIT.ok : EXIT.notIntact;
    }),
  );
}

function describe(folder: string, { blocks, bytes, files, damaged, missing, behind }: Salvage): string {
  const count = (value: number): string => value.toLocaleString('en');
  return [
    `saved     ${count(blocks)} blocks, ${showBytes(bytes)}, in ${count(files)} files of ${folder}`,
    `damaged   ${count(damaged)} blocks`,
    `missing   ${count(missing)} numbers between the first block and the last: dropped before, or lost`,
    `behind    ${count(behind)} numbers behind the last block that was found: proven and let go, or lost`,
    'Some of it may be in the log already: blocks stay in the outbox for a while after the storage has proven them.',
    'To go on, move the damaged outbox away (the file, -wal, -shm and -mark), start the device, and give it what was saved:',
    `plumb device run --source dir:${folder}/files --until-idle; for a stream, feed it ${folder}/stream.`,
  ].join('\n');
}

const EXAMPLES = `
SQLite is not needed for it: every page of the outbox and of its log (-wal) is read, and each block proves itself by its
checksum. The folder gets stream (all lines, in order), files/NAME and index.jsonl, one line a block.

Ends with 0 when nothing can be lost, with 1 when something is, or may be.

Examples:
  plumb device salvage --provision device.json --out salvaged
  plumb device salvage --outbox /mnt/card/device.outbox --json`;
