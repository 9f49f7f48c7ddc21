import { readSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import * as z from 'zod';
import { holdKey, KEYSTORE_KEY_BYTES } from '../../adapters/keys/holder/held-key.ts';
import { serveHolder } from '../../adapters/keys/holder/serve-holder.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { ArgumentError } from '../../core/errors.ts';
import { inArgument } from '../../core/parse-outside.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';

const MAX_ORDER_BYTES = 16_384;

/** What the process is told on its standard input, behind the key's bytes: a line of JSON. */
const holdOrder = z.strictObject({
  place: z.strictObject({ folder: z.string(), socket: z.string() }),
  heldFor: z.strictObject({ account: z.string(), keystore: z.string(), keystoreSha256: z.string() }),
  forMs: z.int().min(1),
});

export type HoldOrder = z.infer<typeof holdOrder>;

/** Adds `plumb keys hold`, the process that `plumb keys unlock` starts; nobody types it. */
export function addKeysHold(keys: Command): void {
  keys
    .command('hold', { hidden: true })
    .description(
      'The process that holds a key: "plumb keys unlock" starts it, and tells it the key on its standard input.',
    )
    .action(() =>
      runCommand({ json: true }, async ({ output, signal }) => {
        if (process.stdin.isTTY) throw new ArgumentError('plumb keys unlock starts this. Run: plumb keys unlock');
        leaveNoCore();
        const key = readKey();
        const { place, heldFor, forMs } = readOrder();
        const held = holdKey(key, forMs, nodeRuntime);
        try {
          const holder = await serveHolder(place, held, heldFor, { runtime: nodeRuntime, pid: process.pid });
          const stop = (): void => holder.end('signal');
          process.once('SIGHUP', stop);
          signal.addEventListener('abort', stop, { once: true });
          output.result({ state: 'ready' }, '');
          await holder.ended;
        } finally {
          held.wipe();
        }
        return EXIT.ok;
      }),
    );
}

/** Linux leaves out of a core dump what this says; who started this process has set the limit of its size to nothing as well. */
function leaveNoCore(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // Not Linux, or not allowed here: the limit holds.
  }
}

function readKey(): Uint8Array {
  // Memory of its own, not of a pool that other buffers share.
  const key = Buffer.allocUnsafeSlow(KEYSTORE_KEY_BYTES);
  for (let at = 0; at < key.length; ) {
    const read = readSync(0, key, at, key.length - at, null);
    if (read === 0) throw new ArgumentError('Standard input ended before the key.');
    at += read;
  }
  return key;
}

function readOrder(): HoldOrder {
  const bytes = Buffer.alloc(MAX_ORDER_BYTES);
  let length = 0;
  while (length < bytes.length && !bytes.subarray(0, length).includes('\n')) {
    const read = readSync(0, bytes, length, bytes.length - length, null);
    if (read === 0) break;
    length += read;
  }
  return inArgument('The order to hold a key', () => holdOrder.parse(JSON.parse(bytes.toString('utf8', 0, length))));
}
