import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { verifyRetrievable } from '../../client/owner/verify-retrievable.ts';
import { FileError, KeyError } from '../../core/errors.ts';
import { DEFAULT_SAMPLE } from '../../core/sampling/confidence.ts';
import { auditKeysOf } from '../../library/auditor-file.ts';
import { openBucket, openLedger, openService } from '../../library/connection.ts';
import { openRounds } from '../../library/open-rounds.ts';
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
    .description('Check the stored blocks in the bucket against the chain: every byte is hashed, none is decrypted.')
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
      const { audited, connection, account } = await openAuditor(context, path, name);
      const bucket = await openBucket(connection);
      if (bucket === null) throw new FileError('No bucket is named. Add s3 {bucket, region} to connection.json.');
      try {
        const service = await openService(connection, account, 'http');
        const deps = {
          ...{ primitives: nodePrimitives, ledger: openLedger(connection), records: service },
          rounds: openRounds(context.home, connection, service, [audited]),
        };
        const { sample, blocks } = options;
        const audit = {
          ...{ dataset: audited.dataset, anchor: options.anchor, fromBlock: connection.fromBlock },
          auditKeyOf: auditKeysOf(audited),
          datasetKeyOf: () => {
            throw new KeyError('An auditor has no keys of the content.');
          },
          ...(blocks === undefined ? {} : { range: blocks }),
          ...(sample === undefined ? {} : { sample: sample === true ? DEFAULT_SAMPLE : sample }),
        };
        const report = await verifyRetrievable(
          deps,
          { from: 's3', bucket },
          audit,
          (_verdicts, checked, wanted) => output.progress(progressBar(checked, wanted, 'blocks')),
          signal,
        );
        output.result(report, reportText(output, report, { damage: [], evidence: [] }));
        return report.ok ? EXIT.ok : EXIT.notIntact;
      } finally {
        bucket.close();
      }
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb auditor verify weather.auditor.json weather
  plumb auditor verify weather.auditor.json weather --sample`;
