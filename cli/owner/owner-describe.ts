import type { Command } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { UNKNOWN_CONTENTS } from '../../client/sale/summarise-contents.ts';
import { ArgumentError } from '../../core/errors.ts';
import { openService, readConnection } from '../../library/connection.ts';
import { fetchManifest } from '../../library/fetch-manifest.ts';
import { openMarket } from '../../library/open-contracts.ts';
import { datasetKeyOf } from '../../library/opened-owner.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { descriptionLines } from '../description-text.ts';
import { EXIT } from '../exit-codes.ts';
import { progressBar } from '../output.ts';
import { runCommand } from '../run-command.ts';
import {
  checkContents,
  type DescriptionOptions,
  readDescription,
  showDescription,
  withContents,
  withDescriptionOptions,
} from './describe-offer.ts';
import { resolveOffer } from './owner-agreement.ts';
import { openOwner } from './owner-home.ts';

interface DescribeOptions extends DescriptionOptions {
  /** False with --no-check. */
  readonly check: boolean;
  readonly json?: boolean;
}

/** Adds `plumb owner describe`. */
export function addOwnerDescribe(owner: Command): void {
  const command = owner
    .command('describe')
    .description('Sign a description of an offer that has none yet. It is public and cannot be changed.')
    .argument('<offer>', 'id of an offer, or its beginning')
    .option('--no-check', 'do not read period, sizes and names from the stored data')
    .addHelpText('after', '\nExamples:\n  plumb owner describe 0x12345678 --title "Rain at Uccle, hourly"');
  withKeystoreOptions(withDescriptionOptions(command)).action((offer: string, options: DescribeOptions) =>
    runCommand(options, async (context) => {
      const { output, signal } = context;
      const words = await readDescription(options);
      if (words === null) throw new ArgumentError('A description needs a title. Give --title.');
      const opened = await openOwner(context);
      const connection = await readConnection(context);
      const market = openMarket(connection);
      const id = await resolveOffer(connection, opened.address, offer, signal);
      const { agreement } = await market.readAgreement(id, 'latest', signal);
      if (agreement?.owner !== opened.address)
        throw new ArgumentError(`Offer ${id} is not an offer of ${opened.address}.`);
      const { terms } = agreement;
      const service = await openService(connection, opened, 'http');
      const ledger = createDisscLedger(connection);
      const keys = { datasetKeyOf: datasetKeyOf(opened, terms.dataset) };
      const parts = { primitives: nodePrimitives, ledger, service, ...keys, fetchManifest };
      const onProgress = (done: number) => output.progress(progressBar(done, terms.count, 'blocks read'));
      const contents = options.check ? await checkContents(parts, terms, onProgress, signal) : null;
      const description = withContents(words, contents?.toContents(options.names) ?? UNKNOWN_CONTENTS);
      const isDescribed = await showDescription({ market, service, opened, output }, id, description, signal);
      output.result(
        { id, description, described: isDescribed },
        isDescribed ? [`Offer ${id} is described:`, ...descriptionLines(description)].join('\n') : 'Not described.',
      );
      return isDescribed ? EXIT.ok : EXIT.refused;
    }),
  );
}
