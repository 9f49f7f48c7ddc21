import type { Command } from 'commander';
import { auditorAsProver } from '../../library/prove-blocks.ts';
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
      const { audited, connection } = await openAuditor(context, path, name);
      const prover = { ...auditorAsProver(audited), logKeyOf: null };
      await prove(context, connection, prover, { ...options, via: 's3' });
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
Example:
  plumb auditor prove weather.auditor.json weather --blocks 0-99 --out first.evidence.json`;
