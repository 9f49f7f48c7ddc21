import * as z from 'zod';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { RecordCall, Recorder } from '../../core/ports/ledger.ts';
import type { AccountSigner } from './account-signer.ts';
import { disscInterface, encodeRecord } from './dissc-interface.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { amount, parseAnswer, quantity } from './parse-answers.ts';
import { toQuantity } from './quantity.ts';
import { asUnavailable, readChainPoint } from './read-chain-point.ts';
import { readFees } from './read-fees.ts';
import { sendRawTransaction } from './send-raw-transaction.ts';
import { signTransaction } from './sign-transaction.ts';
import { tryRecording } from './try-recording.ts';

export interface DisscRecorderOptions extends JsonRpcOptions {
  readonly dissc: Address;
  readonly signer: AccountSigner;
}

// Without a block where the transaction still waits: some nodes answer then, too.
const receiptAnswer = z.looseObject({ blockNumber: quantity.nullable(), status: quantity.nullish() });

/** DISSC's `record`, paid by one account, through one Ethereum node. */
export function createDisscRecorder(options: DisscRecorderOptions): Recorder {
  const { chainId, dissc, signer } = options;
  const rpc = createJsonRpc(options);
  const { account } = signer;
  const contract = { name: 'DISSC', at: dissc, abi: disscInterface };

  return {
    account,

    async simulate(call, signal) {
      const request = { from: account, to: dissc, data: encodeRecord(call) };
      const { returned, gas } = await tryRecording(rpc, contract, request, describe(call), signal);
      return { accepted: decodeAccepted(dissc, returned, call.updates.length), gas };
    },

    async prepare(call, { nonce, gas, replaces }, signal) {
      const fees = await readFees(rpc, replaces, signal);
      return signTransaction(signer, { chainId, to: dissc, data: encodeRecord(call), nonce, gas, fees }, signal);
    },

    async broadcast(transaction, signal) {
      await sendRawTransaction(rpc, transaction, signal);
    },

    async nonces(signal) {
      const final = await readChainPoint(rpc, 'final', signal);
      const count = (tag: string) => ({ method: 'eth_getTransactionCount', params: [account, tag] });
      try {
        const [atLatest, atFinal] = await rpc.callMany(
          // Nodes need not keep the state of the genesis block, where no account has sent anything.
          [count('latest'), ...(final.blockNumber === 0 ? [] : [count(toQuantity(final.blockNumber))])],
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
        if (blockNumber === null) return null;
        return { blockNumber, final: blockNumber <= final.blockNumber, ok: status === 1 };
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

function describe({ charters, updates }: RecordCall): string {
  return `${charters.length} charters and ${updates.length} updates`;
}

function decodeAccepted(dissc: Address, returned: string, updates: number): boolean[] {
  if (returned === '0x') {
    throw new LedgerUnavailableError(`There is no contract at ${dissc}. Deploy DISSC, or correct its address.`);
  }
  const accepted = decodeFlags(returned);
  if (accepted.length !== updates)
    throw new LedgerUnavailableError('The node answered for the wrong number of updates.');
  return accepted;
}

function decodeFlags(returned: string): boolean[] {
  try {
    return [...disscInterface.decodeFunctionResult('record', returned)[0]].map(Boolean);
  } catch (cause) {
    throw new LedgerUnavailableError("The contract at DISSC's address is not DISSC. Check the address.", {
      cause,
    });
  }
}
