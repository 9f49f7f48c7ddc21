import { LedgerUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { GrantRecorder, NotRelayed, RelayCall } from '../../core/ports/grant-recorder.ts';
import type { AccountSigner } from './account-signer.ts';
import { ascInterface } from './asc-interface.ts';
import { encodeCharter, encodeUpdate } from './dissc-interface.ts';
import { decode } from './find-logs.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { amount, parseAnswer } from './parse-answers.ts';
import { asUnavailable } from './read-chain-point.ts';
import { readFees } from './read-fees.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';
import { isRefusedByContract } from './refused-by-contract.ts';
import { signTransaction } from './sign-transaction.ts';
import { tryRecording } from './try-recording.ts';

export interface AscRecorderOptions extends JsonRpcOptions {
  readonly asc: Address;
  readonly signer: AccountSigner;
}

const RECORDED = '0x00000000';
const REASONS: readonly (readonly [string, NotRelayed])[] = [
  ['ASC_Refused', 'refused'],
  ['ASC_TooLittleFuel', 'too-little-fuel'],
  ['ASC_TooEarly', 'too-early'],
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
  const contract = { name: 'ASC', at: asc, abi: ascInterface };
  const { account } = signer;
  const callOf = (input: string) => ({ from: account, to: asc, data: input });

  return {
    account,

    async simulateRelay(call, signal) {
      const what = `${call.charters.length} charters and ${call.updates.length} updates through ASC`;
      const { returned, gas } = await tryRecording(rpc, contract, callOf(encodeRelay(call)), what, signal);
      if (returned === '0x') {
        throw new LedgerUnavailableError(`There is no contract at ${asc}. Deploy ASC, or correct its address.`);
      }
      const reasons = decode(view, () =>
        [...ascInterface.decodeFunctionResult('relay', returned)[0]].map(decodeReason),
      );
      if (reasons.length !== call.updates.length) {
        throw new LedgerUnavailableError('The node answered for the wrong number of updates.');
      }
      const { maxFeePerGasWei } = await readFees(rpc, undefined, signal);
      return { reasons, gas, maxFeePerGasWei };
    },

    async prepareRelay(call, { nonce, gas, replaces }, signal) {
      const fees = await readFees(rpc, replaces, signal);
      return signTransaction(signer, { chainId, to: asc, data: encodeRelay(call), nonce, gas, fees }, signal);
    },

    async simulateAccept(grant, signal) {
      try {
        const estimated = await rpc.call('eth_estimateGas', [callOf(encodeAccept(grant)), 'latest'], signal);
        return { gas: parseAnswer(amount, 'eth_estimateGas', estimated) };
      } catch (error) {
        if (error instanceof RpcRefusedError && (await isRefusedByContract(rpc, account, error, signal))) return null;
        throw asUnavailable(error);
      }
    },

    async prepareAccept(grant, { nonce, gas, replaces }, signal) {
      const fees = await readFees(rpc, replaces, signal);
      return signTransaction(signer, { chainId, to: asc, data: encodeAccept(grant), nonce, gas, fees }, signal);
    },
  };
}

function encodeRelay({ charters, updates }: RelayCall): string {
  return ascInterface.encodeFunctionData('relay', [
    updates.map(({ grant }) => grant),
    charters.map(encodeCharter),
    updates.map(({ update }) => encodeUpdate(update)),
  ]);
}

function encodeAccept(grant: string): string {
  return ascInterface.encodeFunctionData('accept', [grant]);
}

function decodeReason(selector: string): NotRelayed | null {
  if (selector === RECORDED) return null;
  const reason = BY_SELECTOR.get(selector);
  if (reason === undefined) throw new LedgerUnavailableError(`ASC gave an unknown reason: ${selector}.`);
  return reason;
}
