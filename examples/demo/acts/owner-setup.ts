import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { createSecretFile, readSecretFile } from '../../../adapters/keys/secret-file.ts';
import { stackFile as stackFileSchema } from '../../../core/wire/stack-file.ts';
import { plumb } from '../plumb-process.ts';
import { quickenKeystore } from '../quicken-keystore.ts';
import type { StepLog } from '../step-log.ts';

/** An owner's folder, and what every further command is given. */
export interface DemoOwner {
  readonly home: string;
  readonly account: string;
  readonly stackFile: string;
  /** 256 random bits, which is also in the file. */
  readonly password: string;
  readonly passwordFile: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

export interface DemoDataset {
  readonly name: string;
  readonly dataset: string;
  /** Account of its device. */
  readonly account: string;
  /** Its device.json. */
  readonly provision: string;
}

/** Makes an owner, lets the stack serve the owner, opens three datasets and writes their devices' files. */
export async function setUpOwner(
  log: StepLog,
  folder: string,
  stackFile: string,
): Promise<{ owner: DemoOwner; datasets: Readonly<Record<'files' | 'lines' | 'load', DemoDataset>> }> {
  log.act('An owner opens a dataset for each of three devices: by signature, without a transaction');
  const passwordFile = join(folder, 'password');
  const home = join(folder, 'owner');
  const env = { PLUMB_HOME: home, PLUMB_STACK: stackFile };
  const password = randomBytes(32).toString('base64url');
  const owner = { home, stackFile, password, passwordFile, env, args: ['--password-file', passwordFile] };
  let account = '';
  await log.step('makes keys; the mnemonic goes to a file that only the owner can read', 'a keystore', async () => {
    await createSecretFile(passwordFile, `${password}\n`);
    const mnemonic = join(folder, 'mnemonic');
    const made = await plumb<{ account: string }>(['owner', 'init', ...owner.args, '--mnemonic-out', mnemonic], {
      env,
    });
    account = made.account;
    await quickenKeystore(home, password);
    await plumb(['local', 'admit', account], { env });
    return 'a keystore';
  });
  const make = async (name: string, flags: readonly string[]): Promise<DemoDataset> => {
    const made = await plumb<{ dataset: string; device: string }>(
      ['dataset', 'create', name, ...owner.args, ...flags],
      { env },
    );
    const provision = join(folder, name === 'files' ? 'device.json' : `device-${name}.json`);
    return { name, provision, dataset: made.dataset, account: made.device };
  };
  const provision = (dataset: DemoDataset): Promise<unknown> =>
    plumb(['device', 'provision', dataset.name, ...owner.args, '--out', dataset.provision], { env });
  const datasets: Partial<Record<'files' | 'lines' | 'load', DemoDataset>> = {};
  await log.step(
    'signs charters for files (encrypted), lines (encrypted, published) and load (plain)',
    '3 datasets, 0 transactions by the owner',
    async () => {
      // The list of datasets is written as a whole: one is entered after the other; what follows on each need not.
      datasets.files = await make('files', []);
      const [lines] = await Promise.all([make('lines', ['--published']), provision(datasets.files)]);
      const [load] = await Promise.all([make('load', ['--kind', 'plain']), provision(lines)]);
      // Two of the devices record by themselves, so they need gas of their own.
      const fund = (dataset: DemoDataset) => plumb(['local', 'admit', dataset.account, '--fund-only'], { env });
      await Promise.all([provision(load), fund(lines), fund(load)]);
      Object.assign(datasets, { lines, load });
      return `${Object.keys(datasets).length} datasets, ${await countTransactions(stackFile, account)} transactions by the owner`;
    },
  );
  return { owner: { ...owner, account }, datasets: datasets as Record<'files' | 'lines' | 'load', DemoDataset> };
}

async function countTransactions(stackPath: string, account: string): Promise<number> {
  const { rpcUrl, chainId } = stackFileSchema.parse(JSON.parse(await readSecretFile(stackPath)));
  return Number(await createJsonRpc({ rpcUrl, chainId }).call('eth_getTransactionCount', [account, 'latest']));
}
