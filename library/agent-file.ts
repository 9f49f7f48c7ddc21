import * as z from 'zod';
import { readSecretFile } from '../adapters/keys/secret-file.ts';
import { fromHex, to0x } from '../core/bytes.ts';
import { type Address, address, type DatasetId, type DatasetKey, type PrivateKey } from '../core/ids.ts';
import { inFile } from '../core/parse-outside.ts';

const bytes32 = z.string().regex(/^0x[0-9a-f]{64}$/);
const account = z.string().regex(/^0x[0-9a-fA-F]{40}$/);

const agentFile = z.strictObject({
  rpcUrl: z.url(),
  chainId: z.int().min(1),
  finalDepth: z.int().min(0).max(1_000_000).optional(),
  dissc: account,
  ocasc: account,
  apiUrl: z.url(),
  /** Chain block from which the contracts exist. */
  fromBlock: z.int().min(0),
  owner: account,
  agentPrivateKey: bytes32,
  offersSecret: bytes32,
  /** Keys by the serial of the device that sealed. */
  datasets: z
    .array(
      z.strictObject({
        name: z.string(),
        dataset: bytes32,
        keys: z.array(z.strictObject({ serial: z.int().min(1).max(0xffff_ffff), datasetKey: bytes32 })).min(1),
      }),
    )
    .max(100_000),
});

/** All that serves an owner's sales; no account of the owner that holds money. */
export interface Agent {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly finalDepth?: number | undefined;
  readonly dissc: Address;
  readonly ocasc: Address;
  readonly apiUrl: string;
  readonly fromBlock: number;
  readonly owner: Address;
  readonly agentKey: PrivateKey;
  readonly offersSecret: Uint8Array;
  readonly datasets: readonly {
    readonly name: string;
    readonly dataset: DatasetId;
    readonly keys: readonly { readonly serial: number; readonly datasetKey: DatasetKey }[];
  }[];
}

/** What `plumb owner agent` writes and `plumb owner serve` reads. */
export function agentFileText({ agentKey, offersSecret, datasets, ...plain }: Agent): string {
  const file: z.infer<typeof agentFile> = {
    ...plain,
    ...{ agentPrivateKey: to0x(agentKey), offersSecret: to0x(offersSecret) },
    datasets: datasets.map(({ name, dataset, keys }) => ({
      name,
      dataset,
      keys: keys.map(({ serial, datasetKey }) => ({ serial, datasetKey: to0x(datasetKey) })),
    })),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** @throws FileError when it is missing, others could read it, or it is malformed; a value is never repeated */
export async function readAgentFile(path: string): Promise<Agent> {
  const text = await readSecretFile(path);
  const parsed = inFile(path, () => agentFile.parse(JSON.parse(text)), 'Write it again: plumb owner agent');
  const {
    rpcUrl,
    chainId,
    finalDepth,
    dissc,
    ocasc,
    apiUrl,
    fromBlock,
    owner,
    agentPrivateKey,
    offersSecret,
    datasets,
  } = parsed;
  return {
    ...{ rpcUrl, chainId, finalDepth },
    ...{ dissc: address(dissc), ocasc: address(ocasc), apiUrl, fromBlock, owner: address(owner) },
    ...{ agentKey: fromHex(agentPrivateKey) as PrivateKey, offersSecret: fromHex(offersSecret) },
    datasets: datasets.map(({ name, dataset, keys }) => ({
      name,
      dataset: dataset as DatasetId,
      keys: keys.map(({ serial, datasetKey }) => ({ serial, datasetKey: fromHex(datasetKey) as DatasetKey })),
    })),
  };
}
