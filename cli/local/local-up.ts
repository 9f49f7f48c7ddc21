import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { startStack } from '../../local/start-stack.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { parseCount } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { untilAborted } from '../until-aborted.ts';

interface UpOptions {
  readonly data: string;
  readonly blockTime: number;
  readonly json?: boolean;
}

/** Adds `plumb local up`. */
export function addLocalUp(local: Command): void {
  const command = local
    .command('up')
    .description('Start chain, object store, table and functions on loopback; Ctrl-C stops them all.')
    .option('--data <folder>', 'everything the stack keeps; start it there again and it goes on', '.plumbline')
    .option('--block-time <ms>', 'time between blocks of the chain', parseCount, 1000)
    .addHelpText('after', EXAMPLES);
  withJson(command).action((options: UpOptions) =>
    runCommand(options, async ({ output, signal }) => {
      const begin = performance.now();
      const stack = await startStack({ folder: resolve(options.data), blockTimeMs: options.blockTime }, signal);
      if (stack.takenOverFrom !== null) {
        output.notice(`Process ${stack.takenOverFrom} ran a stack here and was killed; this one goes on where it was.`);
      }
      const readyMs = Math.round(performance.now() - begin);
      const stackFile = join(resolve(options.data), 'stack.json');
      output.result(
        {
          event: 'ready',
          stackFile,
          apiUrl: stack.apiUrl,
          rpcUrl: stack.rpcUrl,
          readyMs,
          takenOverFrom: stack.takenOverFrom,
        },
        [
          `Ready in ${(readyMs / 1000).toFixed(1)} s.`,
          `  service   ${stack.apiUrl}`,
          `  chain     ${stack.rpcUrl}`,
          `  stack     ${stackFile}`,
          'Next, in another terminal:',
          `  export PLUMB_STACK=${stackFile}`,
          '  plumb owner init                    then plumb local admit ADDRESS, plumb dataset create NAME,',
          '                                      plumb device provision NAME, plumb device run (plumb --help)',
          'Ctrl-C stops the stack; its data stays.',
        ].join('\n'),
      );
      const ended = await Promise.race([stack.failed, untilAborted(signal)]);
      output.notice('Stopping …');
      await stack.stop();
      if (ended instanceof Error) throw ended;
      output.result({ event: 'stopped' }, 'Stopped.');
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb local up
  plumb local up --data ./stack --json`;
