import type { JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { amount, data, parseAnswer } from '../../adapters/ethereum/parse-answers.ts';
import { StateError } from '../../core/errors.ts';
import type { ServePorts } from './open-ports.ts';
import type { ServeSettings } from './serve-settings.ts';

/** Whether each part answers: null, or why not. */
export interface Probed {
  readonly chain: string | null;
  readonly objects: string | null;
  readonly table: string | null;
}

export const isHealthy = ({ chain, objects, table }: Probed): boolean => (chain ?? objects ?? table) === null;

/** Asks every part once. */
export async function probeParts(
  { rpc, ports }: Pick<ServePorts, 'rpc' | 'ports'>,
  settings: Pick<ServeSettings, 'contracts'>,
  signal?: AbortSignal,
): Promise<Probed> {
  const [chain, objects, table] = await Promise.all([
    why(() => requireContracts(rpc, settings, signal)),
    why(() => ports.objects.size('plumbline-probe', signal)),
    why(() => ports.table.get('probe', '-', signal)),
  ]);
  return { chain, objects, table };
}

async function why(ask: () => Promise<unknown>): Promise<string | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @throws StateError naming the contract that is not where the settings have it */
async function requireContracts(
  rpc: JsonRpc,
  { contracts }: Pick<ServeSettings, 'contracts'>,
  signal?: AbortSignal,
): Promise<void> {
  const { dissc, ocasc, asc } = contracts;
  const named = Object.entries({ DISSC: dissc, OCASC: ocasc, ASC: asc }).filter(([, at]) => at !== null);
  const codes = await rpc.callMany(
    named.map(([, at]) => ({ method: 'eth_getCode', params: [at, 'latest'] })),
    signal,
  );
  for (const [i, [name, at]] of named.entries()) {
    if (parseAnswer(data, 'eth_getCode', codes[i]) !== '0x') continue;
    throw new StateError(`This chain has no ${name} at ${at}. Run plumb contracts deploy, or correct the address.`);
  }
}

/** What an account has, in wei. */
export async function readBalanceWei(rpc: JsonRpc, account: string, signal?: AbortSignal): Promise<bigint> {
  return parseAnswer(amount, 'eth_getBalance', await rpc.call('eth_getBalance', [account, 'latest'], signal));
}
