import { to0x } from '../../core/bytes.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { deriveDatasetId } from '../../core/keys.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import { disscInterface } from './dissc-interface.ts';
import { createDisscLedger } from './dissc-ledger.ts';
import { type CallSenderOptions, createCallSender } from './send-call.ts';
import { asMined } from './wait-for-receipt.ts';

/** What an owner does on DISSC. Each call waits until its transaction is mined. */
export interface DisscOwner {
  readonly account: Address;
  /** Opens datasets; those already open with the same device are left as they are, so it can be repeated. */
  openDatasets(
    datasets: readonly { name: Uint8Array; device: Address }[],
    signal?: AbortSignal,
  ): Promise<{ datasets: DatasetId[]; transaction: MinedTransaction | null }>;
  setDevice(dataset: DatasetId, device: Address, signal?: AbortSignal): Promise<MinedTransaction>;
  /** Ties blocks to storage's names of their objects (encrypted by the caller). */
  link(
    dataset: DatasetId,
    range: { first: number; count: number },
    objects: Uint8Array,
    signal?: AbortSignal,
  ): Promise<MinedTransaction>;
}

export interface DisscOwnerOptions extends CallSenderOptions {
  readonly dissc: Address;
}

export function createDisscOwner(options: DisscOwnerOptions): DisscOwner {
  const { chainId, dissc, signer } = options;
  const { account } = signer;
  const ledger = createDisscLedger(options);
  const sender = createCallSender(options);
  const contract = { name: 'DISSC', at: dissc, abi: disscInterface };
  const send = (data: string, signal?: AbortSignal) =>
    sender.inTurn(async (sendCall) => asMined(await sendCall({ contract, data })), signal);

  return {
    account,

    async openDatasets(wanted, signal) {
      const ids = wanted.map(({ name }) => deriveDatasetId({ chainId, dissc }, account, name));
      const { parties } = await ledger.readParties(ids, 'latest', signal);
      for (const [i, found] of parties.entries()) {
        if (found !== null && found.device !== wanted[i]?.device) {
          throw new ArgumentError(
            `Dataset ${ids[i]} is open, for device ${found.device}. Give it another name, or set its device.`,
          );
        }
      }
      const missing = wanted.filter((_, i) => parties[i] === null);
      if (missing.length === 0) return { datasets: ids, transaction: null };
      const names = missing.map(({ name }) => to0x(name));
      const devices = missing.map(({ device }) => device);
      const data = disscInterface.encodeFunctionData('openDatasets', [names, devices]);
      return { datasets: ids, transaction: await send(data, signal) };
    },

    setDevice(dataset, device, signal) {
      return send(disscInterface.encodeFunctionData('setDevice', [dataset, device]), signal);
    },

    link(dataset, { first, count }, objects, signal) {
      return send(disscInterface.encodeFunctionData('link', [dataset, first, count, to0x(objects)]), signal);
    },
  };
}
