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
    .argument('[path]', 'a folder, a file, or - for standard input; not needed where data is piped in', parsePath)
    .option('--folder <folder>', 'a folder of its own for keys, stack and evidence', 'plumb-try')
    .option('--continue', 'go on in the folder of an earlier run: takes what is new, or one more PATH')
    .option('--stop', 'end the stack that an earlier run has left running; its data stays')
    .option('--no-damage', 'do not damage a copy of what is stored')
    .addHelpText('after', EXAMPLES);
  withJson(command).action((path: string | undefined, options: Options) =>
    runCommand(options, async (context) => {
      const folder = tryFolder(resolve(options.folder));
      if (options.stop !== true) return runTry(context, folder, path, options);
      if (path !== undefined || options.continue === true) {
        throw new ArgumentError('--stop ends the stack and does nothing else. Leave out PATH and --continue.');
      }
      return stopStack(context, folder);
    }),
  );
}

async function stopStack({ output }: CommandContext, folder: TryFolder): Promise<number> {
  if ((await readTried(folder)) === null) {
    throw new ArgumentError(`${folder.path} is not a folder of plumb try. Name it: --folder FOLDER`);
  }
  output.progress('Stopping …');
  const pid = await stopInBackground(folder);
  output.result(
    { folder: folder.path, stopped: pid !== null, pid },
    pid === null
      ? `No stack runs in ${folder.path}.`
      : `Stopped the stack of ${folder.path} (process ${pid}). Its data stays.`,
  );
  return EXIT.ok;
}

function parsePath(text: string): string {
  if (text === '') throw new InvalidArgumentError('it is empty. Give a folder or a file, or - for standard input.');
  return text;
}

const EXAMPLES = `
Starts a stack on this machine (chain, object store, table, service; loopback alone), captures the data as a device does, stores
it encrypted, records it on the chain, verifies all of it, flips one bit in a copy and shows that this is seen, and writes
evidence. Your data is only read. Keys and their password lie in the folder, so that nothing is asked: they are for trying.

The stack goes on in the background (process in FOLDER/stack/stack.pid, what it says in FOLDER/stack-process.log).

Examples:
  plumb try ./readings                     a folder with everything below it
  plumb try ./readings/today.csv
  journalctl -o json | plumb try -
  plumb try --continue                     what has come since, and all of it verified again
  plumb try --continue ./more              one more folder, a dataset of its own
  plumb try --stop
  plumb try ./readings --json              {dataset, blocks, bytes, verdicts, damageSeen, evidence, console, folder}
Exit codes: 0 all blocks are intact and the damage was seen, 1 not, 2 wrong arguments or files, 3 chain, service or store do not answer, 6 the stack does not start, 130 interrupted.`;
