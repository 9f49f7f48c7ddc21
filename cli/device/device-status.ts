import { resolve } from 'node:path';
import type { Command } from 'commander';
import { counted } from '../../core/counted.ts';
import { isOutboxHeld } from '../../device/outbox/lock-outbox.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { type OutboxStatus, readStatus } from '../../device/outbox/read-status.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { outboxPathOf } from './outbox-path.ts';
import { showBytes } from './parse-units.ts';
import { findProvisionFault } from './provision-fault.ts';
import { showName } from './show-name.ts';
import { describeLoss, secondWriterText, shortenedText, showAge, waitsText } from './wait-text.ts';

interface StatusOptions {
  readonly provision: string;
  readonly outbox?: string;
  readonly json?: boolean;
}

/** Adds `plumb device status`: reads the outbox, also while a device works on it. No key is needed. */
export function addDeviceStatus(device: Command): void {
  const command = device
    .command('status')
    .description('Show what the outbox holds, how far it has got, what it waits for, and whose turn it is.')
    .option('--provision <file>', 'the device.json whose outbox to show', 'device.json')
    .option('--outbox <file>', 'the outbox, if it is not beside the provision file')
    .addHelpText('after', EXAMPLES);
  withJson(command).action((options: StatusOptions) =>
    runCommand(options, async ({ output }) => {
      const namesProvision = options.outbox === undefined || command.getOptionValueSource('provision') === 'cli';
      const path = resolve(options.outbox ?? outboxPathOf(options.provision));
      const outbox = openOutboxReadOnly(path);
      try {
        const nowMs = Date.now();
        // Whoever names the outbox alone may have the file elsewhere.
        const provisionFault = namesProvision ? findProvisionFault(options.provision) : null;
        const status = { ...readStatus(outbox, nowMs), running: isOutboxHeld(path), provisionFault };
        output.result(status, describe(status, nowMs));
        return exitCodeOf(status, nowMs);
      } finally {
        outbox.close();
      }
    }),
  );
}

const EXAMPLES = `
Examples:
  plumb device status
  plumb device status --provision device.json --json

After a crash, the program that writes a stream should continue after captured.streamBytes.

Exit codes: 0 nothing waits longer than it should, 3 something waits too long for the chain, the service or the storage,
6 the owner, or whoever looks after this machine, has to act.`;

type Shown = OutboxStatus & { readonly running: boolean; readonly provisionFault: string | null };

/** By whose turn it is, of what waits too long. */
function exitCodeOf({ waits, shortenedBlocks, secondWriter, provisionFault }: Shown, nowMs: number): number {
  const isCloned = secondWriter !== null && nowMs - secondWriter.lastMs < RECENT_MS;
  if (shortenedBlocks !== null || isCloned || provisionFault !== null) return EXIT.state;
  const overdue = waits.filter((wait) => wait.overdue);
  if (overdue.length === 0) return EXIT.ok;
  return overdue.every(({ turn }) => turn === 'service' || turn === 'chain') ? EXIT.unavailable : EXIT.state;
}

const RECENT_MS = 24 * 3_600_000;

function describe(status: Shown, nowMs: number): string {
  const { captured, unsealed, dropped, states, log, disk } = status;
  const count = (value: number): string => value.toLocaleString('en');
  const lines = [
    `dataset   ${status.dataset}`,
    `account   ${status.account}`,
    `captured  ${counted(captured.blocks, 'block')}, ${showBytes(captured.bytes)}`,
    `unsealed  ${counted(unsealed.blocks, 'block')}, ${showBytes(unsealed.bytes)}`,
    ...(['planned', 'sealed', 'stored', 'recorded', 'final'] as const)
      .filter((state) => states[state].batches > 0)
      .map(
        (state) =>
          `${state.padEnd(9)} ${counted(states[state].batches, 'batch')}, ${counted(states[state].blocks, 'block')}`,
      ),
    `log       ${counted(log.blocks, 'block')}; all that are not listed above are checked`,
    `disk      ${showBytes(disk.usedBytes)} in use, ${showBytes(disk.fileBytes)} taken`,
  ];
  if (status.unpublished > 0)
    lines.push(`publish   ${counted(status.unpublished, 'batch')} not yet published on the chain`);
  if (dropped.blocks > 0) lines.push(`dropped   ${counted(dropped.blocks, 'block')}, ${showBytes(dropped.bytes)}`);
  for (const { kind, blocks, bytes, atMs } of status.losses)
    lines.push(`lost      ${counted(blocks, 'block')}, ${showBytes(bytes)}, ${describeLoss(kind, atMs, nowMs)}`);
  const { secondWriter } = status;
  if (secondWriter !== null) {
    const { fromBlock: from, blocks, lastMs } = secondWriter;
    lines.push(`${secondWriterText({ from, blocks })} Last seen ${showAge(nowMs - lastMs)} ago.`);
  }
  if (status.shortenedBlocks !== null) lines.push(shortenedText(status.shortenedBlocks));
  const { provisionFault } = status;
  if (provisionFault !== null) {
    const holds = status.running ? 'The device that runs goes on, but' : 'What is shown here is safe, but';
    lines.push(`${provisionFault} ${holds} a device that starts needs the file.`);
  }
  if (!status.running) lines.push('No device is running on this outbox. Start it with: plumb device run');
  lines.push(...waitsText(status.waits, nowMs));
  const { leftOut } = status;
  if (leftOut.count > 0) lines.push(`left out  ${counted(leftOut.count, 'item')} that the source has now:`);
  for (const { reason, count: n, examples } of leftOut.reasons) {
    const more = n > examples.length ? ` and ${count(n - examples.length)} more` : '';
    lines.push(`  ${examples.map(showName).join(', ')}${more}: ${reason}`);
  }
  for (const { reason, count: n, last, lastMs } of leftOut.missed)
    lines.push(`missed    ${count(n)}: ${reason} The last ${showAge(nowMs - lastMs)} ago: ${showName(last)}`);
  for (const { step, sinceMs, atMs, reason } of status.failures)
    if (step === 'scan') lines.push(reason);
    else
      lines.push(
        `${step} has been failing for ${showAge(nowMs - sinceMs)} (last ${showAge(nowMs - atMs)} ago): ${reason}`,
      );
  return lines.join('\n');
}
