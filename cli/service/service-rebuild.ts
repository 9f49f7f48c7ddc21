import type { Command } from 'commander';
import { printable } from '../../client/printable.ts';
import { counted } from '../../core/counted.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { type RebuildProgress, type Rebuilt, rebuildService } from '../../functions/rebuild/rebuild-service.ts';
import { withHomeOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { type Output, progressBar } from '../output.ts';
import { runCommand } from '../run-command.ts';
import { openDeployment, openLocalStack, openServed } from './open-rebuild.ts';

interface RebuildOptions {
  readonly config?: string;
  readonly json?: boolean;
}

const MOST_SHOWN = 20;

/** Adds `plumb service rebuild`. */
export function addServiceRebuild(service: Command): void {
  const command = service
    .command('rebuild')
    .description(
      'Rebuild the table and the tiles from the bucket and the chain. Safe while the service runs; safe to run again.',
    )
    .option('--config <file>', 'settings of a service on your own machine, as plumb serve takes them')
    .addHelpText('after', EXAMPLES);
  withHomeOptions(command).action((options: RebuildOptions) =>
    runCommand(options, async ({ output, stack, signal }) => {
      const observer = createLineObserver(({ level, message }) => {
        if (level === 'error') output.notice(printable(String(message)));
      });
      const ports =
        options.config !== undefined
          ? await openServed(options.config, process.env, observer, signal)
          : stack === undefined
            ? await openDeployment(process.env, observer)
            : await openLocalStack(stack, observer);
      try {
        const rebuilt = await rebuildService(ports, (progress) => showProgress(output, progress), signal);
        output.result(rebuilt, describe(rebuilt));
        const isWhole = rebuilt.failures.length === 0 && rebuilt.lost === 0 && behind(rebuilt).length === 0;
        return isWhole ? EXIT.ok : EXIT.notIntact;
      } finally {
        await ports.close();
      }
    }),
  );
}

function showProgress(output: Output, { phase, done, total }: RebuildProgress): void {
  output.progress(total === null ? `${phase}: ${counted(done, 'object')} so far` : progressBar(done, total, phase));
}

function behind({ datasets }: Rebuilt): Rebuilt['datasets'] {
  return datasets.filter(({ hasChainHead }) => !hasChainHead);
}

function describe(rebuilt: Rebuilt): string {
  const { datasets, charters, segments, lost, mended, recounted, anchored, failures } = rebuilt;
  const outcomes = Object.entries(segments).map(([outcome, count]) => `${count.toLocaleString('en')} ${outcome}`);
  const blocks = datasets.reduce((sum, { size }) => sum + size, 0);
  return [
    `Datasets: ${datasets.length}, with ${counted(blocks, 'block')} in their logs.`,
    `Charters: ${charters.kept} restored, ${charters.known} already there, ${charters.refused} refused.`,
    `Segments: ${outcomes.join(', ') || 'none'}.`,
    ...(mended > 0
      ? [`Corrected ${counted(mended, 'item')} of the logs that ${mended === 1 ? 'was' : 'were'} missing or wrong.`]
      : []),
    ...(recounted > 0 ? [`Corrected the count of stored bytes of ${counted(recounted, 'dataset')}.`] : []),
    ...(anchored === null ? [] : [`The rounds' map has ${counted(anchored, 'head')}.`]),
    ...(lost > 0 ? [`The bucket lacks the objects of ${counted(lost, 'segment')}. Restore their versions there.`] : []),
    ...behind(rebuilt).map(({ dataset }) => `${dataset}: the chain has blocks that are not stored here.`),
    ...failures.slice(0, MOST_SHOWN).map(({ what, message }) => `failed: ${printable(what)}: ${printable(message)}`),
    ...(failures.length > 0 ? [`${counted(failures.length, 'item')} failed. Run the command again.`] : ['Done.']),
  ].join('\n');
}

const EXAMPLES = `
For a deployment in AWS, set the environment of its function reconcile-segments (PLUMBLINE_TABLE, PLUMBLINE_BUCKET,
PLUMBLINE_RPC_SECRET and the others), AWS_REGION, and credentials (AWS_ACCESS_KEY_ID and the others; aws configure
export-credentials prints them) that may read the bucket and the secret, write tiles and use the table.

Exit codes: 0 everything is there, 1 something is lost, missing or failed, 3 the bucket, the table or the chain does not answer, 6 a variable is missing.

Examples:
  plumb service rebuild --stack ./data/stack.json
  plumb service rebuild --config serve.json
  aws lambda get-function-configuration --function-name plumbline-prod-reconcile-segments \\
    --query 'Environment.Variables' --output json | jq -r 'to_entries[] | "export \\(.key)=\\(.value|@sh)"' > service.env
  . ./service.env && AWS_REGION=eu-central-1 plumb service rebuild --json`;
