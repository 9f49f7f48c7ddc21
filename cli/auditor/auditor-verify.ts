import { type Command, Option } from 'commander';
import { DEFAULT_SAMPLE } from '../../core/sampling/confidence.ts';
import { auditBucket } from '../../library/audit-bucket.ts';
import { withHomeOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { progressBar } from '../output.ts';
import { reportText } from '../owner/owner-verify.ts';
import { parseCount, parseRange } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { openAuditor } from './open-auditor.ts';

interface VerifyOptions {
  readonly sample?: number | true;
  readonly blocks?: { from: number; to: number };
  readonly anchor: 'final' | 'latest';
  readonly json?: boolean;
}

/** Adds `plumb auditor verify`: Protocol II from the bucket, by somebody who reads no content. */
export function addAuditorVerify(auditor: Command): void {
  const command = auditor
    .command('verify')
    .description('Check the stored blocks in the bucket against the chain. Hashes every byte, decrypts nothing.')
    .argument('<file>', "the auditor's file")
    .argument('<dataset>', 'name or id of the dataset')
    .option(
      '--sample [count]',
      `this many blocks chosen at random (${DEFAULT_SAMPLE} when no count is given)`,
      parseCount,
    )
    .option('--blocks <from-to>', 'only these blocks, e.g. 0-999', parseRange)
    .addOption(
      new Option('--anchor <block>', 'chain state to check against').choices(['final', 'latest']).default('final'),
    )
    .addHelpText('after', EXAMPLES);
  withHomeOptions(command).action((path: string, name: string, options: VerifyOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const { audited, connection } = await openAuditor(context, path, name);
      const report = await auditBucket(
        connection,
        context.home,
        audited,
        options,
        (_verdicts, checked, wanted) => output.progress(progressBar(checked, wanted, 'blocks')),
        signal,
      );
      output.result(report, reportText(output, report, { damage: [], evidence: [] }));
      return report.ok ? EXIT.ok : EXIT.notIntact;
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb auditor verify weather.auditor.json weather
  plumb auditor verify weather.auditor.json weather --sample`;
