import { resolve } from 'node:path';
import type { Command } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import { auditKey } from '../../core/block/seal.ts';
import { auditorFileText } from '../../library/auditor-file.ts';
import { readConnection } from '../../library/connection.ts';
import { pickEntry, readDatasets } from '../../library/dataset-list.ts';
import { datasetKeyOf } from '../../library/opened-owner.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { openOwner } from './owner-home.ts';

interface AuditorOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** Adds `plumb owner auditor`: the right to verify datasets, and not to read them. */
export function addOwnerAuditor(owner: Command): void {
  const command = owner
    .command('auditor')
    .description("Write an auditor's file: its holder can verify datasets and make evidence, but not read content.")
    .argument('<datasets...>', 'names or ids of datasets')
    .requiredOption('--out <file>', 'where to write it, mode 0600; never overwrites a file')
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((names: string[], options: AuditorOptions) =>
    runCommand(options, async (context) => {
      const { chainId, dissc } = await readConnection(context);
      const entries = await readDatasets(context.home);
      const wanted = [...new Set(names)].map((name) => pickEntry(entries, name, context.home));
      const opened = await openOwner(context);
      const datasets = [];
      for (const entry of wanted) {
        const keyOf = datasetKeyOf(opened, entry.dataset);
        const { charters } = entry;
        // A device's keys are those of the first charter that names it.
        const first = charters.filter((one, i) => charters.findIndex(({ device }) => device === one.device) === i);
        const auditKeys = first.map(({ serial }) => ({ serial, auditKey: auditKey(nodePrimitives, keyOf(serial)) }));
        datasets.push({ name: entry.name, dataset: entry.dataset, charters, auditKeys });
      }
      const out = resolve(options.out);
      await createSecretFile(out, auditorFileText({ chainId, dissc, datasets }));
      const shown = datasets.map(({ name, dataset, auditKeys }) => ({ name, dataset, devices: auditKeys.length }));
      context.output.result(
        { out, datasets: shown },
        [
          `Wrote ${out}. Whoever has it can verify ${shown.map(({ name }) => name).join(', ')} and make evidence, but cannot read the content.`,
          'You cannot revoke it. If you replace a device, write a new file.',
        ].join('\n'),
      );
      return EXIT.ok;
    }),
  );
}

const EXAMPLES = `
The auditor also needs read access to the bucket (connection.json with rpcUrl, chainId, dissc, apiUrl, s3), and runs:
  plumb auditor verify FILE NAME
  plumb auditor prove FILE NAME --blocks 0-99 --out first.evidence.json
The stored bytes of a plain or attached dataset are the content itself, so the bucket's access rights decide who reads it.

Example:
  plumb owner auditor weather --out weather.auditor.json`;
