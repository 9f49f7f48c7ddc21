import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { FileError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { SentTransaction, SentTransactions } from '../../core/ports/sent-transactions.ts';
import { readSecretFile, replaceSecretFile } from '../keys/secret-file.ts';

const hex = z.string().regex(/^0x([0-9a-f]{2})+$/);
const wei = z
  .string()
  .regex(/^[0-9]{1,78}$/)
  .transform(BigInt);
const keptFile = z.strictObject({
  hash: hex.length(66),
  raw: hex,
  maxFeePerGasWei: wei,
  maxPriorityFeePerGasWei: wei,
  sentAtMs: z.int().min(0),
});

/**
 * One account's sent transactions, a private file each in a private folder, so that commands at the same time do not take
 * from each other what they keep: `<chain>-<account>-<nonce>.json`.
 */
export function createSentTransactionFiles(folder: string, chainId: number, account: Address): SentTransactions {
  const prefix = `${chainId}-${account}-`;
  const pathOf = (nonce: number): string => join(folder, `${prefix}${nonce}.json`);

  async function listNonces(): Promise<number[]> {
    const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return [];
      throw new FileError(`The folder of sent transactions, ${folder}, cannot be read (${cause.code}).`, { cause });
    });
    return names.flatMap((name) => {
      const number = name.startsWith(prefix) ? /^([0-9]{1,15})\.json$/.exec(name.slice(prefix.length))?.[1] : undefined;
      return number === undefined ? [] : Number(number);
    });
  }

  return {
    async list() {
      const read = await Promise.all((await listNonces()).map(async (nonce) => readKept(pathOf(nonce), nonce)));
      return read.filter((one) => one !== null);
    },
    async keep({ hash, nonce, raw, maxFeePerGasWei, maxPriorityFeePerGasWei, sentAtMs }) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const fees = { maxFeePerGasWei: `${maxFeePerGasWei}`, maxPriorityFeePerGasWei: `${maxPriorityFeePerGasWei}` };
      await replaceSecretFile(pathOf(nonce), `${JSON.stringify({ hash, raw, ...fees, sentAtMs }, null, 2)}\n`);
    },
    async forget(nonce) {
      await rm(pathOf(nonce), { force: true });
    },
    async forgetBelow(below) {
      for (const nonce of await listNonces()) if (nonce < below) await rm(pathOf(nonce), { force: true });
    },
  };
}

/** Null for one that is gone meanwhile, or damaged: its number alone is known then, as of one that nobody has kept. */
async function readKept(path: string, nonce: number): Promise<SentTransaction | null> {
  try {
    const parsed = keptFile.safeParse(JSON.parse(await readSecretFile(path)));
    return parsed.success ? { nonce, ...parsed.data } : null;
  } catch (error) {
    if (error instanceof FileError || error instanceof SyntaxError) return null;
    throw error;
  }
}
