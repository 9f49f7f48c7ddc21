import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, address, type DatasetId } from '../../core/ids.ts';
import type { Anchor, ChainDevice, ChainPoint } from '../../core/ports/ledger.ts';
import { type ContractView, callAt } from './call-at.ts';
import { disscInterface } from './dissc-interface.ts';
import { decode } from './find-logs.ts';

export interface ReadDevices {
  readonly point: ChainPoint;
  readonly devices: (ChainDevice | null)[];
}

/** Below this many, a call each in one batch is as good. */
const FEW = 16;
/** As its size in the request counts, too; none may take more than 16,777,216 gas. */
const DEVICES_PER_CALL = 1_500;
/** Where a node has refused so many times in a row, it does not take code that is not on the chain. */
const MOST_REFUSALS = 3;

/** Nothing is there, on any chain: the code is lent to it for the call. */
const READER = '0x506c756d626c696e65000000000000000000f1ee';

/*
 * Calls `device` of the contract in the first word for each of the words that follow, and returns what it answers, two words
 * each. Reverts where one call fails, or answers something else.
 *
 *   i = 32, o = 64                                            6020 6040
 *   loop: unless i < calldatasize, go to end                  5b 36 82 10 15 603c 57
 *   mem[0] = selector << 224; mem[4] = calldata[i]            63 …  60e0 1b 6000 52 81 35 6004 52
 *   ok = staticcall(gas, calldata[0], 0, 36, o, 64)           6040 81 6024 6000 6000 35 5a fa
 *   unless ok and returndatasize = 64, go to fail             3d 6040 14 16 15 6044 57
 *   o += 64, i += 32; go to loop                              6040 01 90 6020 01 90 6004 56
 *   end: return(64, o - 64)                                   5b 6040 90 03 6040 f3
 *   fail: revert(0, 0)                                        5b 6000 6000 fd
 */
const SELECTOR = (disscInterface.getFunction('device')?.selector ?? '').slice(2);
const CODE = `0x602060405b36821015603c5763${SELECTOR}60e01b6000528135600452604081602460006000355afa3d604014161560445760400190602001906004565b604090036040f35b60006000fd`;

/** Reads DISSC's devices, thousands in one call where the node lends code for a call (all common ones do), else one by one. */
export function createDeviceReader(view: ContractView) {
  let refusals = 0;

  const readTogether = async (datasets: readonly DatasetId[], anchor: Anchor, signal?: AbortSignal) => {
    const calls: string[] = [];
    for (let i = 0; i < datasets.length; i += DEVICES_PER_CALL) {
      const some = datasets.slice(i, i + DEVICES_PER_CALL).map((dataset) => dataset.slice(2));
      calls.push(`0x${view.at.slice(2).padStart(64, '0')}${some.join('')}`);
    }
    const lent = { ...view, at: READER as Address, code: CODE };
    const { point, results } = await callAt(lent, calls, anchor, signal);
    const words = results.flatMap((result) => (result === null ? [] : (result.slice(2).match(/.{128}/g) ?? [])));
    if (results.includes(null)) return { point, devices: datasets.map(() => null) };
    if (words.length !== datasets.length) {
      throw new LedgerUnavailableError('The node returned the wrong number of devices.');
    }
    return { point, devices: words.map(deviceOfWords) };
  };

  return async (datasets: readonly DatasetId[], anchor: Anchor, signal?: AbortSignal): Promise<ReadDevices> => {
    if (datasets.length > FEW && refusals < MOST_REFUSALS) {
      try {
        const read = await readTogether(datasets, anchor, signal);
        refusals = 0;
        return read;
      } catch (error) {
        signal?.throwIfAborted();
        // A node that cannot be reached is not asked a thousand times more.
        if (!(error instanceof LedgerUnavailableError) || error.details.host !== undefined) throw error;
        // What is wrong shows when they are read one by one.
        refusals++;
      }
    }
    const calls = datasets.map((dataset) => disscInterface.encodeFunctionData('device', [dataset]));
    const { point, results } = await callAt(view, calls, anchor, signal);
    const devices = results.map((result) => (result === null ? null : decode(view, () => decodeDevice(result))));
    return { point, devices };
  };
}

function deviceOfWords(words: string): ChainDevice | null {
  const account = words.slice(24, 64);
  if (/^0*$/.test(account)) return null;
  return { device: address(`0x${account}`), serial: Number(`0x${words.slice(64)}`) };
}

function decodeDevice(result: string): ChainDevice | null {
  const [device, serial] = disscInterface.decodeFunctionResult('device', result);
  return BigInt(device) === 0n ? null : { device: address(device), serial: Number(serial) };
}
