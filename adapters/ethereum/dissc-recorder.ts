import * as z from 'zod';
import { ArgumentError, LedgerUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { Recorder } from '../../core/ports/ledger.ts';
import type { AccountSigner } from './account-signer.ts';
import { disscInterface, encodeRecord } from './dissc-interface.ts';
import { createJsonRpc, type JsonRpcOptions, RpcRefusedError } from './json-rpc.ts';
import { amount, data, parseAnswer, quantity } from './parse-answers.ts';
import { asUnavailable, readChainPoint } from './read-chain-point.ts';
import { sendRawTransaction } from './send-raw-transaction.ts';
import { MAX_TRANSACTION_GAS, readFees, signTransaction } from './sign-transaction.ts';

export interface DisscRecorderOptions extends JsonRpcOptions {
  readonly dissc: Address;
  readonly signer: AccountSigner;
}

const receiptAnswer = z.looseObject({ blockNumber: quantity, status: z.enum(['0x0', '0x1']) });

/** DISSC's `record`, paid by one account, through one Ethereum node. */
export function createDisscRecorder(options: DisscRecorderOptions): Recorder {
  const { chainId, dissc, signer } = options;
  const rpc = createJsonRpc(options);
  const { account } = signer;

  return {
    account,

    async simulate(updates, signal) {
      const call = { from: account, to: dissc, data: encodeRecord(updates) };
      const limited = { ...call, gas: `0x${MAX_TRANSACTION_GAS.toString(16)}` };
      try {
        const [returned, estimated] = await rpc.callMany(
          [
            { method: 'eth_call', params: [limited, 'latest'] },
            { method: 'eth_estimateGas', params: [call, 'latest'] },
          ],
          signal,
        );
        const accepted = decodeAccepted(dissc, parseAnswer(data, 'eth_call', returned), updates.length);
        return { accepted, gas: parseAnswer(amount, 'eth_estimateGas', estimated) };
      } catch (error) {
        // `record` never reverts: whatever it cannot run in is its gas.
        if (error instanceof RpcRefusedError && /gas/i.test(error.said)) {
          throw new ArgumentError(
            `${updates.length} updates need more than ${MAX_TRANSACTION_GAS} gas. Send fewer at a time.`,
            { cause: error },
          );
        }
        throw asUnavailable(error);
      }
    },

    async prepare(updates, { nonce, gas, replaces }, signal) {
      const fees = await readFees(rpc, replaces, signal);
      return signTransaction(signer, { chainId, to: dissc, data: encodeRecord(updates), nonce, gas, fees }, signal);
    },

    async broadcast(transaction, signal) {
      await sendRawTransaction(rpc, transaction, signal);
    },

    async nonces(signal) {
      const final = await readChainPoint(rpc, 'final', signal);
      const count = (tag: unknown) => ({ method: 'eth_getTransactionCount', params: [account, tag] });
      try {
        const [atLatest, atFinal] = await rpc.callMany(
          // Nodes need not keep the state of the genesis block, where no account has sent anything.
          [count('latest'), ...(final.blockNumber === 0 ? [] : [count({ blockHash: final.blockHash })])],
          signal,
        );
        return {
          latest: parseAnswer(quantity, 'eth_getTransactionCount', atLatest),
          final: atFinal === undefined ? 0 : parseAnswer(quantity, 'eth_getTransactionCount', atFinal),
        };
      } catch (error) {
        throw asUnavailable(error);
      }
    },

    async receipt(hash, signal) {
      // The final block is read first: what is not final yet may become so in between, never the other way round.
      const final = await readChainPoint(rpc, 'final', signal);
      try {
        const answered = await rpc.call('eth_getTransactionReceipt', [hash], signal);
        if (answered === null) return null;
        const { blockNumber, status } = parseAnswer(receiptAnswer, 'eth_getTransactionReceipt', answered);
        return { blockNumber, final: blockNumber <= final.blockNumber, ok: status === '0x1' };
      } catch (error) {
        throw asUnavailable(error);
      }
    },

    async balanceWei(signal) {
      try {
        return parseAnswer(amount, 'eth_getBalance', await rpc.call('eth_getBalance', [account, 'latest'], signal));
      } catch (error) {
        throw asUnavailable(error);
      }
    },
  };
}

function decodeAccepted(dissc: Address, returned: string, updates: number): boolean[] {
  if (returned === '0x') {
    throw new LedgerUnavailableError(`There is no contract at ${dissc}. Deploy DISSC, or correct its address.`);
  }
  const accepted = decodeFlags(returned);
  if (accepted.length !== updates) throw new LedgerUnavailableError('The node answered for another number of updates.');
  return accepted;
}

function decodeFlags(returned: string): boolean[] {
  try {
    return [...disscInterface.decodeFunctionResult('record', returned)[0]].map(Boolean);
  } catch (cause) {
    throw new LedgerUnavailableError('What answers at the address of DISSC is not DISSC. Check the address.', {
      cause,
    });
  }
}
