import { to0x } from '../../core/bytes.ts';
import type { Address } from '../../core/ids.ts';
import type { AgreementParty, QuestionAnswer } from '../../core/ports/agreements.ts';
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

    async offer({ name, kind }, terms, agent, encryptionKey, signal) {
      const values = [to0x(name), kind, encodeTerms(terms), agent, encryptionKey];
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

    async demandKey(id, { block, valueWei }, signal) {
      const data = encodeCall(contract, 'demandKey', [id, block]);
      return asMined(await sender.inTurn((send) => send({ contract, data, valueWei }), signal));
    },

    cancel: (id, signal) => call('cancel', [id], signal),
    claim: (id, due, signature, signal) => call('claim', [id, due, to0x(signature)], signal),
    respond: (id, answer, signal) => call('respond', [id, encodeAnswer(answer)], signal),
    lapse: (id, signal) => call('lapse', [id], signal),
    breach: (id, signal) => call('breach', [id], signal),
    approve: (id, signal) => call('approve', [id], signal),
    quit: (id, signal) => call('quit', [id], signal),
    close: (id, signal) => call('close', [id], signal),
    withdraw: (token, to, signal) => call('withdraw', [token, to], signal),
  };
}

/** `IOCASC.Answer`. Where a key is asked for, nothing behind it is read. */
function encodeAnswer({ path, ...shown }: QuestionAnswer): object {
  const { record } = shown.answer;
  const same = {
    sealedDigest: record.sealed,
    commitment: record.commitment,
    contentCommitment: record.contentCommitment,
    path,
  };
  if (shown.asks === 'key') return { ...same, ...NO_CHUNK, key: shown.answer.contentKey };
  const { blockKey, opening, chunk, path: chunkPath } = shown.answer;
  return {
    ...same,
    key: blockKey,
    size: opening.size,
    blockHash: opening.sha256,
    metaHash: opening.metaHash,
    chunk,
    chunkPath,
  };
}

const NO_CHUNK = {
  size: 0,
  blockHash: new Uint8Array(32),
  metaHash: new Uint8Array(32),
  chunk: new Uint8Array(0),
  chunkPath: [],
};
