import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { syncDirectory, writeDurably } from '../s3/sync-files.ts';

/** 10,000 blocks have about 20 MB. */
const MAX_STATE_BYTES = 2 ** 30;

/**
 * Writes the chain as it is now, with its recent states, to a file that `anvil --load-state` reads: whole or not at all.
 * anvil's own `--state-interval` writes over the file in place, and a kill in the middle of that ends the chain.
 */
export async function keepChainState(rpc: JsonRpc, file: string, signal?: AbortSignal): Promise<void> {
  const dumped = await rpc.call('anvil_dumpState', [true], signal);
  if (typeof dumped !== 'string' || !dumped.startsWith('0x')) {
    throw new LedgerUnavailableError('anvil did not return its state.');
  }
  const json = await promisify(gunzip)(Buffer.from(dumped.slice(2), 'hex'), { maxOutputLength: MAX_STATE_BYTES });
  const unfinished = `${file}.new`;
  await rm(unfinished, { force: true });
  await writeDurably(unfinished, json);
  await rename(unfinished, file);
  await syncDirectory(dirname(file));
}
