import type { Command } from 'commander';
import { readServeSettings, SERVE_VARIABLES } from '../../local/serve/serve-settings.ts';
import { startService } from '../../local/serve/start-service.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonLine } from '../json-line.ts';
import { keptRoundsText } from '../kept-rounds-text.ts';
import { runCommand } from '../run-command.ts';
import { untilAborted } from '../until-aborted.ts';

interface ServeCommandOptions {
  readonly config?: string;
  readonly listen?: string;
}

/** Adds what `plumb serve` does. */
export async function addServe(command: Command): Promise<void> {
  command
    .option('--config <file>', 'settings as JSON (mode 0600); environment variables override them')
    .option('--listen <address:port>', 'where to listen, overriding the settings')
    .addHelpText('after', EXAMPLES)
    .action((options: ServeCommandOptions) =>
      // Its lines are for a log, and for machines as they are.
      runCommand({ json: true }, async ({ signal }) => {
        const environment = { ...process.env, ...(options.listen && { PLUMBLINE_LISTEN: options.listen }) };
        const settings = await readServeSettings(options.config ?? null, environment);
        const log = (line: object): void => void process.stdout.write(jsonLine(line));
        const unknown = Object.keys(process.env).filter((name) => isUnknown(name));
        if (unknown.length > 0)
          log({ level: 'warn', message: 'environment variables that match no setting', names: unknown });
        const service = await startService({ settings, log }, signal);
        log({ event: 'ready', apiUrl: service.apiUrl, account: service.account, authorities: settings.authorities });
        log({ level: 'info', message: keptRoundsText(settings.keepRoundsDays) });
        await untilAborted(signal);
        log({ event: 'stopping' });
        await service.stop();
        log({ event: 'stopped' });
        return EXIT.ok;
      }),
    );
}

function isUnknown(name: string): boolean {
  return /^PLUMBLINE_/.test(name) && !SERVE_VARIABLES.has(name);
}

const EXAMPLES = `
Settings, as PLUMBLINE_… in the environment or in the file (docs/serve.md explains each):
  ${[...SERVE_VARIABLES].map(([variable, name]) => `${variable.padEnd(40)} ${name}`).join('\n  ')}
Takes the credentials of bucket, table and KMS from the environment, like AWS's programs (AWS_ACCESS_KEY_ID, …).
Prints one JSON object a line. Ctrl-C or SIGTERM stops it; started again, it continues where it stopped.

Examples:
  plumb serve --config serve.json
  PLUMBLINE_LISTEN=0.0.0.0:8080 PLUMBLINE_AUTHORITIES=plumb.example plumb serve --config serve.json`;
