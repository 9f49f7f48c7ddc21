/** anvil by Osaka's rules, on a port of its own choosing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { JsonRpcProvider } from 'ethers';
import { GAS_CHAIN_ID, type NewChain, ROOT } from './gas-chain.ts';

const START_TIMEOUT_MS = 20_000;
/** EIP-7825: what a transaction may be given by these rules. */
const TRANSACTION_GAS = 16_777_216;

export async function startOsakaChain(): Promise<NewChain> {
  const child = spawn(
    `${ROOT}node_modules/.bin/anvil`,
    ['--host', '127.0.0.1', '--port', '0', '--hardfork', 'osaka', '--chain-id', `${GAS_CHAIN_ID}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const url = await readRpcUrl(child);
    const provider = new JsonRpcProvider(url, GAS_CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 });
    return {
      provider,
      transactionGas: TRANSACTION_GAS,
      baseFeeMethod: 'anvil_setNextBlockBaseFeePerGas',
      stop() {
        provider.destroy();
        child.kill('SIGKILL');
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function readRpcUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`anvil named no address within ${START_TIMEOUT_MS} ms.`));
    const timer = globalThis.setTimeout(late, START_TIMEOUT_MS);
    let said = '';
    child.stdout!.on('data', (data: Buffer) => {
      said += data.toString();
      const address = /Listening on (127\.0\.0\.1:\d+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(`http://${address}`);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`anvil ended with code ${code} before it was ready.`)));
  });
}
