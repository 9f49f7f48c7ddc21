import { type Command, InvalidArgumentError } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { linkObjects, type ObjectOfBlock } from '../../client/owner/link-objects.ts';
import { openLedger, openService, readConnection } from '../../library/connection.ts';
import { findDataset } from '../../library/dataset-list.ts';
import { openDisscOwner } from '../../library/open-contracts.ts';
import { datasetKeyOf } from '../../library/opened-owner.ts';
import { openIpfs } from '../../library/verify-way.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { openOwner } from './owner-home.ts';

interface LinkOptions {
  readonly ipfs?: string;
  readonly json?: boolean;
}

/** Adds `plumb owner link`: DISSC.link for blocks that other tools put into IPFS. */
export function addOwnerLink(owner: Command): void {
  const command = owner
    .command('link')
    .description('Link blocks to objects in IPFS, encrypted, on the chain. Checks each object first. Costs gas.')
    .argument('<dataset>', 'name or id of the dataset')
    .argument(
      '<objects...>',
      "block=CID; the object must hold the block's stored bytes, whatever its chunking or hash",
      parse,
    )
    .option('--ipfs <url>', "RPC of the IPFS node that has them (default: the stack's)")
    .addHelpText('after', EXAMPLES);
  withKeystoreOptions(command).action((name: string, objects: ObjectOfBlock[], options: LinkOptions) =>
    runCommand(options, async (context) => {
      const connection = await readConnection(context);
      const dataset = await findDataset(context.home, name);
      const opened = await openOwner(context);
      const p2pfs = openIpfs(connection, options.ipfs ?? null);
      try {
        const deps = {
          ...{ primitives: nodePrimitives, ledger: openLedger(connection), p2pfs },
          css: await openService(connection, opened, 'http'),
          chain: openDisscOwner(context, connection, opened),
        };
        const { fromBlock } = connection;
        const target = { dataset, datasetKeyOf: datasetKeyOf(opened, dataset), anchor: 'latest', fromBlock } as const;
        const links = await linkObjects(deps, target, objects, context.signal);
        const lines = links.map(
          ({ first, count, txHash }) => `  blocks ${first} to ${first + count - 1}   transaction ${txHash}`,
        );
        context.output.result({ dataset, links }, [`Linked blocks of dataset ${dataset}:`, ...lines].join('\n'));
        return EXIT.ok;
      } finally {
        p2pfs.close();
      }
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb owner link weather 17=QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o
  plumb owner verify weather --protocol II --from ipfs --evidence retrieved --blocks 17`;

function parse(text: string, before: ObjectOfBlock[] | undefined): ObjectOfBlock[] {
  const match = /^([0-9]{1,15})=([A-Za-z0-9]{10,200})$/.exec(text);
  if (match === null) throw new InvalidArgumentError(`${text} is not block=CID, such as 17=bafkrei….`);
  return [...(before ?? []), { index: Number(match[1]), cid: match[2] as string }];
}
