import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createKeystore, SCRYPT_N_RANDOM_PASSWORD } from '../../adapters/keys/keystore.ts';
import type { Address, PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { fund } from '../../local/stack/fund.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';

/** A chain of its own, and an operator with a keystore and some ether there. */
export interface ContractsChain {
  readonly rpc: JsonRpc;
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly account: Address;
  readonly payer: readonly string[];
  /** Transactions that the operator has had mined. */
  sent(): Promise<number>;
  stop(): Promise<void>;
}

const PASSWORD = 'a password';

export async function startContractsChain(
  folder: string,
  { chainId = 31337, balanceWei = 10n ** 18n, mining = 'instant' as 'instant' | 'manual' } = {},
): Promise<ContractsChain> {
  const anvil = await startAnvil({ stateFile: null, mining, chainId });
  const rpc = createJsonRpc(anvil);
  const privateKey = nodePrimitives.randomBytes(32) as PrivateKey;
  const account = accountOfKey(privateKey);
  await createKeystore(
    join(folder, 'operator.json'),
    { privateKey, mnemonic: null },
    PASSWORD,
    SCRYPT_N_RANDOM_PASSWORD,
  );
  await writeFile(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
  await fund(rpc, account, balanceWei);
  return {
    ...{ rpc, rpcUrl: anvil.rpcUrl, chainId, account },
    payer: [
      ...['--home', folder, '--keystore', join(folder, 'operator.json')],
      ...['--password-file', join(folder, 'password')],
    ],
    sent: async () => Number(await rpc.call('eth_getTransactionCount', [account, 'latest'])),
    stop: () => anvil.stop(),
  };
}

/**
 * Stands between the command and the chain. `before` is told of every request; it may act, or keep it back for ever by
 * answering false.
 */
export async function startRelay(
  rpcUrl: string,
  before: (method: string) => Promise<boolean>,
): Promise<{ rpcUrl: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const relay = async (): Promise<void> => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const body = Buffer.concat(parts).toString('utf8');
      for (const { method } of [JSON.parse(body)].flat()) if (!(await before(method))) return;
      const answered = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      response.writeHead(answered.status, { 'content-type': 'application/json' }).end(await answered.text());
    };
    relay().catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
