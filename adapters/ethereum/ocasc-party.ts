import { to0x } from '../../core/bytes.ts';
import type { Address } from '../../core/ids.ts';
import type { AgreementParty, ChallengeAnswer } from '../../core/ports/agreements.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import { approveToken } from './approve-token.ts';
import { encodeCall } from './encode-call.ts';
import { findEventId } from './find-event.ts';
import { decodeAgreementId, encodeTerms, ocascInterface } from './ocasc-interface.ts';
import { type CallSenderOptions, createCallSender } from './send-call.ts';
import { asMined, type Receipt } from './wait-for-receipt.ts';

export interface OcascPartyOptions extends CallSenderOptions {
  readonly ocasc: Address;
}

const NATIVE = `0x${'00'.repeat(20)}`;

/**
 * What one account does on OCASC, one transaction after another. After a crash or a NotRecordedError everything but `offer` can
 * simply be done again: OCASC refuses what was done already, with the error's name as `details.reason`. Another `offer` is
 * another offer; what became of the first shows in the owner's count of offers. The approval of a token is a transaction of
 * its own, before that which is reported.
 */
export function createOcascParty(options: OcascPartyOptions): AgreementParty {
  const { ocasc } = options;
  const sender = createCallSender(options);
  const contract = { name: 'OCASC', at: ocasc, abi: ocascInterface };

  /** A call that brings money of a token or of the native coin with it. */
  const pay = (
    [name, values]: readonly [string, readonly unknown[]],
    money: { readonly token: Address; readonly amount: bigint },
    signal?: AbortSignal,
  ): Promise<Receipt> =>
    sender.inTurn(async (send) => {
      const data = encodeCall(contract, name, values);
      if (money.token === NATIVE) return send({ contract, data, valueWei: money.amount });
      await approveToken(sender, send, { ...money, spender: ocasc }, signal);
      return send({ contract, data });
    }, signal);
  const call = async (name: string, values: readonly unknown[], signal?: AbortSignal): Promise<MinedTransaction> => {
    const data = encodeCall(contract, name, values);
    return asMined(await sender.inTurn((send) => send({ contract, data }), signal));
  };

  return {
    account: sender.account,

    async offer(terms, agent, encryptionKey, signal) {
      const values = [encodeTerms(terms), agent, encryptionKey];
      const receipt = await pay(['offer', values], { token: terms.token, amount: terms.bond }, signal);
      return { id: decodeAgreementId(findEventId(contract, 'Offered', receipt)), transaction: asMined(receipt) };
    },

    async accept({ id, token, price }, signer, encryptionKey, signal) {
      return asMined(await pay(['accept', [id, signer, encryptionKey]], { token, amount: price }, signal));
    },

    async challenge(id, { block, seed, valueWei }, signal) {
      const data = encodeCall(contract, 'challenge', [id, block, seed]);
      return asMined(await sender.inTurn((send) => send({ contract, data, valueWei }), signal));
    },

    cancel: (id, signal) => call('cancel', [id], signal),
    claim: (id, due, signature, signal) => call('claim', [id, due, to0x(signature)], signal),
    respond: (id, answer, signal) => call('respond', [id, encodeAnswer(answer)], signal),
    breach: (id, signal) => call('breach', [id], signal),
    approve: (id, signal) => call('approve', [id], signal),
    quit: (id, signal) => call('quit', [id], signal),
    close: (id, signal) => call('close', [id], signal),
    withdraw: (token, to, signal) => call('withdraw', [token, to], signal),
  };
}

/** `IOCASC.Answer`. */
function encodeAnswer({ sizeBytes, sha256, position, ...same }: ChallengeAnswer): object {
  return { ...same, size: sizeBytes, blockHash: sha256, batch: position };
}
