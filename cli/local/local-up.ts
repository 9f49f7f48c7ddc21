import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_KEEP_ROUNDS_DAYS, MOST_KEEP_ROUNDS_DAYS } from '../../core/rounds/cadence.ts';
import { isOneAddress } from '../../local/host/addresses.ts';
import { startStack } from '../../local/start-stack.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { keptRoundsText } from '../kept-rounds-text.ts';
import { parseCount } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { untilAborted } from '../until-aborted.ts';

interface UpOptions {
  readonly data: string;
  readonly blockTime: number;
  readonly listen?: string;
  readonly keepRoundsDays: number;
  readonly json?: boolean;
}

/** Adds `plumb local up`. */
export function addLocalUp(local: Command): void {
  const command = local
    .command('up')
    .description('Start a chain, an object store, a table and the functions; Ctrl-C stops them all.')
    .option(
      '--data <folder>',
      'folder for everything that the stack keeps; start it there again to continue',
      '.plumbline',
    )
    .option('--block-time <ms>', 'time between blocks of the chain', parseCount, 1000)
    .addOption(
      new Option(
        '--listen <address>',
        'an address of this machine at which devices on other machines reach service, bucket and chain, without TLS',
      ).argParser(parseListenAddress),
    )
    .option(
      '--keep-rounds-days <days>',
      'for how many days every round stays provable; of older rounds the last of each day does; 0 keeps all',
      parseDays,
      DEFAULT_KEEP_ROUNDS_DAYS,
    )
    .addHelpText('after', EXAMPLES);
  withJson(command).action((options: UpOptions) =>
    runCommand(options, async ({ output, signal }) => {
      const begin = performance.now();
      const stack = await startStack(
        {
          folder: resolve(options.data),
          blockTimeMs: options.blockTime,
          keepRoundsDays: options.keepRoundsDays,
          ...(options.listen && { listen: options.listen }),
        },
        signal,
      );
      if (stack.takenOverFrom !== null) {
        output.notice(
          `Process ${stack.takenOverFrom} ran a stack here and was killed; this one continues where it stopped.`,
        );
      }
      if (!stack.chainHidden) {
        output.notice(
          'Other users of this machine can reach the local chain directly, because it has no network namespace here.',
        );
      }
      if (options.keepRoundsDays !== DEFAULT_KEEP_ROUNDS_DAYS) output.notice(keptRoundsText(options.keepRoundsDays));
      const readyMs = Math.round(performance.now() - begin);
      const stackFile = join(resolve(options.data), 'stack.json');
      output.result(
        {
          event: 'ready',
          stackFile,
          apiUrl: stack.apiUrl,
          consoleUrl: `${stack.apiUrl}/`,
          rpcUrl: stack.rpcUrl,
          readyMs,
          takenOverFrom: stack.takenOverFrom,
        },
        [
          `Ready in ${(readyMs / 1000).toFixed(1)} s.`,
          `  console   ${stack.apiUrl}/`,
          `  service   ${stack.apiUrl}`,
          `  chain     ${new URL(stack.rpcUrl).host} (its full address is a secret; see the file below)`,
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
  plumb local up --data ./stack --json
  plumb local up --data ./stack --listen 192.168.1.5     # device.json files made with it work on other machines`;

function parseDays(text: string): number {
  const days = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && days <= MOST_KEEP_ROUNDS_DAYS) return days;
  throw new InvalidArgumentError(`Give a whole number of days, 0 to ${MOST_KEEP_ROUNDS_DAYS}; 0 keeps all rounds.`);
}

/** Devices are told the address: it has to be one, not all of them. */
function parseListenAddress(text: string): string {
  if (!isOneAddress(text)) {
    throw new InvalidArgumentError('Give the address at which other machines reach this one, such as 192.168.1.5.');
  }
  return text;
}
