import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { counted } from '../../core/counted.ts';
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
    .description('Save whatever is readable in a damaged outbox to a folder, and report what is lost.')
    .option('--provision <file>', 'the device.json whose outbox to save', 'device.json')
    .option('--outbox <file>', 'the outbox, if it is not beside the provision file')
    .option('--out <folder>', 'folder to create; never writes into an existing one', 'salvaged')
    .addHelpText('after', EXAMPLES);
  withJson(command).action((options: SalvageOptions) =>
    runCommand(options, async ({ output }) => {
      const path = resolve(options.outbox ?? outboxPathOf(options.provision));
      const folder = resolve(options.out);
      if (!existsSync(path)) throw new FileError(`There is no outbox at ${path}. Name it: --outbox FILE`);
      if (isOutboxHeld(path)) throw new StateError(`A device is running on ${path}. Stop it first.`);
      if (existsSync(folder)) throw new FileError(`${folder} exists already. Give another name: --out FOLDER`);
      const salvage = writeSalvaged(path, folder);
      output.result({ folder, ...salvage }, describe(folder, salvage));
      return salvage.damaged + salvage.missing + salvage.behind === 0 ? EXIT.ok : EXIT.notIntact;
    }),
  );
}

function describe(folder: string, { blocks, bytes, files, damaged, missing, behind }: Salvage): string {
  return [
    `saved     ${counted(blocks, 'block')}, ${showBytes(bytes)}, in ${counted(files, 'file')} of ${folder}`,
    `damaged   ${counted(damaged, 'block')}`,
    `missing   ${counted(missing, 'block number')} between the first and the last: dropped earlier, or lost`,
    `behind    ${counted(behind, 'block number')} after the last one found: proven and removed, or lost`,
    'Some of these blocks may be in the log already, because the outbox keeps blocks for a while after the storage has proven them.',
    'To continue, move the damaged outbox away (the file, -wal, -shm and -mark), start the device, and feed it the saved data:',
    `plumb device run --source dir:${folder}/files --until-idle; for a stream, feed it ${folder}/stream.`,
  ].join('\n');
}

const EXAMPLES = `
Works without SQLite: it reads every page of the outbox and of its log (-wal), and checks each block by its checksum. It writes
into the folder: stream (all lines, in order), files/NAME, and index.jsonl with one line a block.

Exit codes: 0 nothing can be lost, 1 something is or may be lost.

Examples:
  plumb device salvage --provision device.json --out salvaged
  plumb device salvage --outbox /mnt/card/device.outbox --json`;
