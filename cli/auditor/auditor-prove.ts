import type { Command } from 'commander';
import { auditKeysOf } from '../../library/auditor-file.ts';
import { withHomeOptions } from '../command-options.ts';
import { type ProveOptions, prove, withProveOptions } from '../evidence/prove.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { openAuditor } from './open-auditor.ts';

/** Adds `plumb auditor prove`. */
export function addAuditorProve(auditor: Command): void {
  const command = withProveOptions(
    auditor
      .command('prove')
      .description(
        'Write evidence of blocks, of a file or of a period, from the bucket. The evidence reveals no content.',
      )
      .argument('<file>', "the auditor's file")
      .argument('<dataset>', 'name or id of the dataset'),
  ).addHelpText('after', EXAMPLES);
  withHomeOptions(command).action((path: string, name: string, options: Omit<ProveOptions, 'via' | 'open'>) =>
    runCommand(options, async (context) => {
      const { audited, connection, account } = await openAuditor(context, path, name);
      const { dataset, charters } = audited;
      const keys = { auditKeyOf: auditKeysOf(audited), readKeyOf: null };
      const prover = { dataset, charters, keys, account, entries: [audited], signCharter: null, logKeyOf: null };
      await prove(context, connection, prover, { ...options, via: 's3' });
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Example:
  plumb auditor prove weather.auditor.json weather --blocks 0-99 --out first.evidence.json`;
