import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { ArgumentError } from '../../core/errors.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { stopInBackground } from './background-stack.ts';
import { runTry, type TryOptions } from './run-try.ts';
import { readTried, type TryFolder, tryFolder } from './try-folder.ts';

interface Options extends TryOptions {
  readonly folder: string;
  readonly stop?: boolean;
  readonly json?: boolean;
}

/** Adds `plumb try`. */
export function addTry(command: Command): void {
  command
    .argument('[path]', 'a folder, a file, or - for standard input; not needed if you pipe data in', parsePath)
    .option('--folder <folder>', 'folder for the keys, the stack and the evidence', 'plumb-try')
    .option('--continue', 'continue in the folder of an earlier run: take new data, or one more PATH')
    .option('--stop', 'stop the stack that an earlier run left running; its data stays')
    .option('--no-damage', 'do not damage a copy of the stored data')
    .addHelpText('after', EXAMPLES);
  withJson(command).action((path: string | undefined, options: Options) =>
    runCommand(options, async (context) => {
      const folder = tryFolder(resolve(options.folder));
      if (options.stop !== true) return runTry(context, folder, path, options);
      if (path !== undefined || options.continue === true) {
        throw new ArgumentError('--stop only stops the stack. Leave out PATH and --continue.');
      }
      return stopStack(context, folder);
    }),
  );
}

async function stopStack({ output }: CommandContext, folder: TryFolder): Promise<number> {
  if ((await readTried(folder)) === null) {
    throw new ArgumentError(`${folder.path} is not a folder of plumb try. Give the right one: --folder FOLDER`);
  }
  output.progress('Stopping …');
  const pid = await stopInBackground(folder);
  output.result(
    { folder: folder.path, stopped: pid !== null, pid },
    pid === null
      ? `No stack is running in ${folder.path}.`
      : `Stopped the stack of ${folder.path} (process ${pid}). Its data stays.`,
  );
  return EXIT.ok;
}

function parsePath(text: string): string {
  if (text === '')
    throw new InvalidArgumentError('The path is empty. Give a folder or a file, or - for standard input.');
  return text;
}

const EXAMPLES = `
Starts a stack on this machine (chain, object store, table and service, reachable only from here), captures the data as a device
would, stores it encrypted, records it on the chain, verifies all of it, flips one bit in a copy and shows that verification
detects it, and writes evidence. It only reads your data. It keeps keys and their password in its folder, so that it never asks
for one; use these keys only for trying.

The stack keeps running in the background (process id in FOLDER/stack/stack.pid, log in FOLDER/stack-process.log).

Examples:
  plumb try ./readings                     a folder with everything below it
  plumb try ./readings/today.csv
  journalctl -o json | plumb try -
  plumb try --continue                     take new data, and verify everything again
  plumb try --continue ./more              one more folder, a dataset of its own
  plumb try --stop
  plumb try ./readings --json              {dataset, blocks, bytes, verdicts, damageSeen, evidence, console, folder}
Exit codes: 0 all blocks are intact and the damage was detected, 1 not, 2 wrong arguments or files, 3 the chain, the service or the store does not answer, 6 the stack does not start, 130 interrupted.`;
