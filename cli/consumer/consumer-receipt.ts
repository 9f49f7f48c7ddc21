import type { Command } from 'commander';
import type { PurchaseState } from '../../client/consumer/purchase-state.ts';
import { fromHex } from '../../core/bytes.ts';
import type { SignedText } from '../../core/market/signed-text.ts';
import { readConnection } from '../../library/connection.ts';
import { listPurchases, openPurchaseFile } from '../../library/purchase-file.ts';
import { withHomeOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { type ReceiptOptions, runReceipt } from '../receipt-command.ts';
import { runCommand } from '../run-command.ts';
import { resolvePurchase } from './consumer-home.ts';

/** Adds `plumb consumer receipt`. */
export function addConsumerReceipt(consumer: Command): void {
  const command = consumer
    .command('receipt')
    .description(
      'Write a receipt: what was bought, paid, proven and delivered, and in which transactions, checked against the chain.',
    )
    .argument('<agreement>', 'id of an agreement, or its beginning')
    .option('--out <file>', 'write it as JSON')
    .option('--html <file>', 'write it as a web page for printing')
    .option('--latest', 'use the newest block, which may not be final')
    .addHelpText('after', EXAMPLES);
  withHomeOptions(command).action((agreement: string, options: ReceiptOptions) =>
    runCommand(options, async (context) => {
      const id = await resolvePurchase(context, agreement);
      const isKept = (await listPurchases(context.home)).includes(id);
      const kept = isKept ? (await openPurchaseFile(context.home, id)).state : null;
      const local =
        kept === null
          ? null
          : {
              ...{ party: 'consumer' as const, sampled: kept.sampled.length, verified: kept.verified },
              ...{ unproven: kept.unproven.length, deliveredTo: kept.deliveredTo, signedFor: String(kept.due) },
              feesWei: String(kept.transactions.reduce((sum, { feeWei }) => sum + feeWei, 0n)),
            };
      await runReceipt(context, await readConnection(context), id, local, options, acceptedOf(kept));
      return EXIT.ok;
    }),
  );
}

function acceptedOf(kept: PurchaseState | null): SignedText | null {
  const { described = null } = kept ?? {};
  return described === null ? null : { text: described.text, signature: fromHex(described.signature) };
}

const EXAMPLES = `
Needs no password. Delivery, vouchers and gas come from this folder; everything else comes from the chain.

Examples:
  plumb consumer receipt 0x12345678 --html receipt.html
  plumb consumer receipt 0x12345678 --out receipt.json`;
