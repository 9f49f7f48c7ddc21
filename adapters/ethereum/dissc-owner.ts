import type { ErrorDescription } from 'ethers';
import { to0x } from '../../core/bytes.ts';
import { InvalidInputError, NotRecordedError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { deriveDatasetId } from '../../core/keys.ts';
import type { AccountSigner } from './account-signer.ts';
import { disscInterface } from './dissc-interface.ts';
import { createDisscLedger } from './dissc-ledger.ts';
import { createJsonRpc, type JsonRpc, type JsonRpcOptions, RpcRefusedError } from './json-rpc.ts';
import { amount, parseAnswer, quantity } from './parse-answers.ts';
import { refusedTransaction, sendRawTransaction } from './send-raw-transaction.ts';
import { readFees, signTransaction } from './sign-transaction.ts';
import { waitForReceipt } from './wait-for-receipt.ts';

export interface MinedTransaction {
  readonly txHash: string;
  readonly blockNumber: number;
}

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

export interface DisscOwnerOptions extends JsonRpcOptions {
  readonly dissc: Address;
  readonly signer: AccountSigner;
  /** How long a transaction may take to be mined. */
  readonly waitMs?: number;
}

export function createDisscOwner(options: DisscOwnerOptions): DisscOwner {
  const { chainId, dissc, signer } = options;
  const { account } = signer;
  const rpc = createJsonRpc(options);
  const ledger = createDisscLedger(options);
  const send = (data: string, signal?: AbortSignal) => sendCall(rpc, options, data, signal);

  return {
    account,

    async openDatasets(wanted, signal) {
      const ids = wanted.map(({ name }) => deriveDatasetId({ chainId, dissc }, account, name));
      const { parties } = await ledger.readParties(ids, 'latest', signal);
      for (const [i, found] of parties.entries()) {
        if (found !== null && found.device !== wanted[i]?.device) {
          throw new InvalidInputError(
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

async function sendCall(
  rpc: JsonRpc,
  { chainId, dissc, signer, waitMs = 60_000 }: DisscOwnerOptions,
  data: string,
  signal?: AbortSignal,
): Promise<MinedTransaction> {
  try {
    const from = signer.account;
    const [estimated, counted] = await rpc.callMany(
      [
        { method: 'eth_estimateGas', params: [{ from, to: dissc, data }] },
        { method: 'eth_getTransactionCount', params: [from, 'pending'] },
      ],
      signal,
    );
    const gas = parseAnswer(amount, 'eth_estimateGas', estimated);
    const nonce = parseAnswer(quantity, 'eth_getTransactionCount', counted);
    const fees = await readFees(rpc, undefined, signal);
    const call = { chainId, to: dissc, data, nonce, gas: gas + gas / 5n, fees };
    const transaction = await signTransaction(signer, call, signal);
    await sendRawTransaction(rpc, transaction, signal);
    const { blockNumber, ok } = await waitForReceipt(rpc, transaction.hash, waitMs, signal);
    if (!ok) throw new NotRecordedError(`Transaction ${transaction.hash} was mined and reverted.`);
    return { txHash: transaction.hash, blockNumber };
  } catch (error) {
    throw error instanceof RpcRefusedError ? explain(error) : error;
  }
}

function explain(error: RpcRefusedError): Error {
  const reverted = error.data === null ? null : parseRevert(error.data);
  if (reverted === null) return refusedTransaction(error);
  const values = reverted.fragment.inputs.map((input, i) => `${input.name} ${String(reverted.args[i])}`).join(', ');
  return new InvalidInputError(`DISSC refuses: ${reverted.name}(${values}).`, {
    cause: error,
    details: { reason: reverted.name },
  });
}

function parseRevert(data: string): ErrorDescription | null {
  try {
    return disscInterface.parseError(data);
  } catch {
    return null;
  }
}
