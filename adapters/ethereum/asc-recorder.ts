import { ArgumentError, LedgerUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { GrantRecorder, NotRelayed, RelayedUpdate } from '../../core/ports/grant-recorder.ts';
import type { AccountSigner } from './account-signer.ts';
import { ascInterface } from './asc-interface.ts';
import { encodeUpdate } from './dissc-interface.ts';
import { decode } from './find-logs.ts';
import { createJsonRpc, type JsonRpcOptions, RpcRefusedError } from './json-rpc.ts';
import { amount, data, parseAnswer } from './parse-answers.ts';
import { asUnavailable } from './read-chain-point.ts';
import { MAX_TRANSACTION_GAS, readFees, signTransaction } from './sign-transaction.ts';

export interface AscRecorderOptions extends JsonRpcOptions {
  readonly asc: Address;
  readonly signer: AccountSigner;
}

const RECORDED = '0x00000000';
const REASONS: readonly (readonly [string, NotRelayed])[] = [
  ['ASC_Refused', 'refused'],
  ['ASC_TooLittleFuel', 'too-little-fuel'],
  ['ASC_Over', 'over'],
  ['ASC_WrongState', 'wrong-state'],
  ['ASC_WrongDataset', 'wrong-dataset'],
];
const BY_SELECTOR = new Map(REASONS.map(([error, reason]) => [ascInterface.getError(error)?.selector, reason]));

/** ASC's `relay` and `accept`, sent by one account, through one Ethereum node. */
export function createAscRecorder(options: AscRecorderOptions): GrantRecorder {
  const { chainId, asc, signer } = options;
  const rpc = createJsonRpc(options);
  const view = { rpc, name: 'ASC', at: asc };
  const { account } = signer;
  const callOf = (input: string) => ({ from: account, to: asc, data: input });

  return {
    account,

    async simulateRelay(updates, signal) {
      const call = callOf(encodeRelay(updates));
      const limited = { ...call, gas: `0x${MAX_TRANSACTION_GAS.toString(16)}` };
      let answers: unknown[];
      try {
        answers = await rpc.callMany(
          [
            { method: 'eth_call', params: [limited, 'latest'] },
            { method: 'eth_estimateGas', params: [call, 'latest'] },
          ],
          signal,
        );
      } catch (error) {
        // With a grant for each update, `relay` reverts only where DISSC runs out of gas within it.
        if (error instanceof RpcRefusedError && /gas|revert/i.test(error.said)) {
          throw new ArgumentError(
            `${updates.length} updates need more than ${MAX_TRANSACTION_GAS} gas through ASC. Send fewer at a time.`,
            { cause: error },
          );
        }
        throw asUnavailable(error);
      }
      const returned = parseAnswer(data, 'eth_call', answers[0]);
      if (returned === '0x') {
        throw new LedgerUnavailableError(`There is no contract at ${asc}. Deploy ASC, or correct its address.`);
      }
      const reasons = decode(view, () =>
        [...ascInterface.decodeFunctionResult('relay', returned)[0]].map(decodeReason),
      );
      if (reasons.length !== updates.length) {
        throw new LedgerUnavailableError('The node answered for another number of updates.');
      }
      const { maxFeePerGasWei } = await readFees(rpc, undefined, signal);
      return { reasons, gas: parseAnswer(amount, 'eth_estimateGas', answers[1]), maxFeePerGasWei };
    },

    async prepareRelay(updates, { nonce, gas, replaces }, signal) {
      const fees = await readFees(rpc, replaces, signal);
      return signTransaction(signer, { chainId, to: asc, data: encodeRelay(updates), nonce, gas, fees }, signal);
    },

    async simulateAccept(grant, signal) {
      try {
        const estimated = await rpc.call('eth_estimateGas', [callOf(encodeAccept(grant)), 'latest'], signal);
        return { gas: parseAnswer(amount, 'eth_estimateGas', estimated) };
      } catch (error) {
        if (error instanceof RpcRefusedError && /revert/i.test(error.said)) return null;
        throw asUnavailable(error);
      }
    },

    async prepareAccept(grant, { nonce, gas, replaces }, signal) {
      const fees = await readFees(rpc, replaces, signal);
      return signTransaction(signer, { chainId, to: asc, data: encodeAccept(grant), nonce, gas, fees }, signal);
    },
  };
}

function encodeRelay(updates: readonly RelayedUpdate[]): string {
  const grants = updates.map(({ grant }) => grant);
  return ascInterface.encodeFunctionData('relay', [grants, updates.map(({ update }) => encodeUpdate(update))]);
}

function encodeAccept(grant: string): string {
  return ascInterface.encodeFunctionData('accept', [grant]);
}

function decodeReason(selector: string): NotRelayed | null {
  if (selector === RECORDED) return null;
  const reason = BY_SELECTOR.get(selector);
  if (reason === undefined) throw new LedgerUnavailableError(`ASC gives a reason that is not known: ${selector}.`);
  return reason;
}
