import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readKeptVoucher } from '../../client/sale/read-kept-voucher.ts';
import { readConnection } from '../../library/connection.ts';
import { withHomeOptions } from '../command-options.ts';
import { resolveOffered } from '../consumer/consumer-home.ts';
import { EXIT } from '../exit-codes.ts';
import { type ReceiptOptions, runReceipt } from '../receipt-command.ts';
import { runCommand } from '../run-command.ts';

interface OwnerReceiptOptions extends ReceiptOptions {
  readonly state?: string;
}

/** Adds `plumb owner receipt`. */
export function addOwnerReceipt(owner: Command): void {
  const command = owner
    .command('receipt')
    .description(
      'Write a receipt: what was sold, paid, proven and delivered, and in which transactions, checked against the chain.',
    )
    .argument('<offer>', 'id of an offer, or its beginning')
    .option('--out <file>', 'write it as JSON')
    .option('--html <file>', 'write it as a web page for printing')
    .option('--state <folder>', 'where plumb owner serve keeps vouchers; the receipt then includes the highest one')
    .option('--latest', 'use the newest block, which may not be final')
    .addHelpText('after', '\nExamples:\n  plumb owner receipt 0x12345678 --html receipt.html --state sales');
  withHomeOptions(command).action((offer: string, options: OwnerReceiptOptions) =>
    runCommand(options, async (context) => {
      const id = await resolveOffered(context, offer);
      const { state } = options;
      const voucher = state === undefined ? null : readKeptVoucher(resolve(state), id);
      const local =
        state === undefined
          ? null
          : {
              ...{ party: 'owner' as const, sampled: null, verified: null, unproven: null, deliveredTo: null },
              ...{ signedFor: voucher === null ? null : String(voucher.due), feesWei: null },
            };
      await runReceipt(context, await readConnection(context), id, local, options, null);
      return EXIT.ok;
    }),
  );
}
