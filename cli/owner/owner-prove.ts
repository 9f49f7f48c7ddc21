import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createChainBlocks } from '../../adapters/ethereum/chain-blocks.ts';
import { downloadPresigned } from '../../adapters/service/download-presigned.ts';
import type { WantedBlocks } from '../../client/evidence/choose-blocks.ts';
import { keysOfOwner } from '../../client/evidence/evidence-keys.ts';
import { makeEvidence } from '../../client/evidence/make-evidence.ts';
import { reportEvidence } from '../../client/evidence/report-evidence.ts';
import { sayEvidence } from '../../client/evidence/say-evidence.ts';
import { sourceOfBucket, sourceOfService } from '../../client/owner/block-source.ts';
import { FOREVER } from '../../client/owner/find-times.ts';
import { type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import { verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { openBucket, openLedger, openService, readConnection } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { openRounds } from '../open-rounds.ts';
import { printable, progressBar } from '../output.ts';
import { parseRanges } from '../parse-arguments.ts';
import { parseTime } from '../parse-time.ts';
import { runCommand } from '../run-command.ts';
import { findDataset, readDatasets } from './dataset-list.ts';
import { datasetKeyOf, openOwner } from './owner-home.ts';

interface ProveOptions {
  readonly blocks?: { from: number; to: number }[];
  readonly file?: string;
  readonly from?: number;
  readonly to?: number;
  readonly out: string;
  readonly open?: boolean;
  readonly withBytes?: boolean;
  readonly metas: boolean;
  readonly via: 'http' | 'lambda' | 's3';
  readonly anchor: 'final' | 'latest';
  readonly json?: boolean;
}

/** Adds `plumb owner prove`: evidence for somebody else. */
export function addOwnerProve(owner: Command): void {
  const command = owner
    .command('prove')
    .description(
      'Write evidence of blocks, a file or a time: one file that anybody can verify, with no keys and no account.',
    )
    .argument('<dataset>', 'name or id of the dataset')
    .option('--blocks <ranges>', 'these blocks, e.g. 0-999,1005', parseRanges)
    .option('--file <name>', 'the newest version of this file, by its name as recorded')
    .option(
      '--from <time>',
      'all that was captured at or after this time, with its zone: 2026-11-22T10:00:00Z',
      parseTime,
    )
    .option('--to <time>', 'all that was captured at or before this time', parseTime)
    .requiredOption('--out <file>', 'where to write it, *.evidence.json; an existing file is not overwritten')
    .option('--open', 'with the content keys of these blocks: their reader can compare and decrypt the content')
    .option('--with-bytes', 'with the stored bytes, at most 64 MiB')
    .option('--no-metas', 'without names and times of the blocks')
    .addOption(
      new Option('--via <way>', 'how requests travel; s3: from the bucket itself, without the service')
        .choices(['http', 'lambda', 's3'])
        .default('http'),
    )
    .addOption(
      new Option('--anchor <block>', 'chain state to prove against').choices(['final', 'latest']).default('final'),
    )
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, options: ProveOptions) =>
    runCommand(options, async (context) => {
      const blocks = wantedBlocks(options);
      const opened = await openOwner(context);
      const connection = await readConnection(context);
      const dataset = await findDataset(context.home, name);
      const { output, signal } = context;
      const ledger = openLedger(connection);
      const service = options.via === 's3' ? null : await openService(connection, opened, options.via);
      const bucket = options.via === 's3' ? await openBucket(connection) : null;
      if (service === null && bucket === null) {
        throw new FileError('No bucket is named. Add s3 {bucket, region} to connection.json.');
      }
      try {
        const openSource =
          bucket === null
            ? sourceOfService(
                {
                  primitives: nodePrimitives,
                  service: service as NonNullable<typeof service>,
                  download: downloadPresigned,
                },
                dataset,
              )
            : sourceOfBucket({ primitives: nodePrimitives, bucket });
        // What leads to a round only the service keeps.
        const entries = await readDatasets(context.home);
        const asked = service ?? (await openService(connection, opened, 'http'));
        const rounds = openRounds(context.home, connection, asked, entries);
        const known = entries.find((entry) => entry.dataset === dataset);
        const deps = {
          ...{ primitives: nodePrimitives, ledger, openSource, rounds },
          chainBlocks: createChainBlocks(connection),
          keys: keysOfOwner(nodePrimitives, datasetKeyOf(opened, dataset)),
          charters: known?.charters ?? [],
          signCharter: (charter: SignedCharter) => signCharter(ledger.domain, charter, opened.privateKey),
        };
        const show = { metas: options.metas, content: options.open === true, bytes: options.withBytes === true };
        const { anchor } = options;
        const evidence = await makeEvidence(
          deps,
          { dataset, anchor, fromBlock: connection.fromBlock, blocks, show },
          (done, all) => output.progress(progressBar(done, all, 'blocks')),
          signal,
        );
        const file = encodeEvidence(evidence);
        const out = resolve(options.out);
        await writeNew(out, file);
        const report = reportEvidence(evidence, verifyEvidence(nodePrimitives, evidence), [], null);
        output.result(
          { out, fileBytes: file.length, ...report },
          [
            `${out}, ${file.length.toLocaleString('en')} bytes.`,
            printable(sayEvidence(report)),
            secretsText(options),
          ].join('\n'),
        );
        return EXIT.ok;
      } finally {
        bucket?.close();
      }
    }),
  );
}

const EXAMPLES = `
What is in it: hashes and keys of these blocks alone, and what leads from them to the chain. Nobody learns anything of other
blocks from it. With --open whoever has it can read these blocks, if they have the bytes.

Its date is the chain block in which the first head with all of these blocks was recorded, or the first round that held it. Blocks
that were recorded at different times have their own dates in files of their own.

Examples:
  plumb owner prove weather --blocks 0-99 --out first.evidence.json
  plumb owner prove door --file door.log --open --out door.evidence.json
  plumb owner prove door --from 2026-11-22T08:00:00Z --to 2026-11-22T09:00:00Z --open --out hour.evidence.json
                                  the time whole: nothing is left out
  plumb verify door.evidence.json door.log`;

function wantedBlocks({ blocks, file, from, to }: ProveOptions): WantedBlocks {
  const ways = [blocks !== undefined, file !== undefined, from !== undefined || to !== undefined].filter(Boolean);
  if (ways.length !== 1) throw new ArgumentError('Give one of --blocks, --file, or --from and --to.');
  if (blocks !== undefined) return { by: 'block', blocks };
  if (file !== undefined) return { by: 'file', name: file };
  const [begin, end] = [from ?? 0, to ?? FOREVER];
  if (begin > end) throw new ArgumentError('--from lies after --to.');
  return { by: 'time', from: begin, to: end };
}

async function writeNew(path: string, file: Uint8Array): Promise<void> {
  try {
    await writeFile(path, file, { flag: 'wx' });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new FileError(`${path} exists already; evidence is not overwritten. Give another --out.`, { cause });
    if (code === 'ENOENT') throw new FileError(`The folder of ${path} does not exist. Make it first.`, { cause });
    throw cause;
  }
}

function secretsText({ open }: ProveOptions): string {
  return open === true
    ? 'It has content keys: whoever has it and the stored bytes can read these blocks.'
    : 'It has no content keys.';
}
