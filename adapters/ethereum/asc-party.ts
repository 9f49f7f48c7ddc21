import { to0x } from '../../core/bytes.ts';
import type { Address } from '../../core/ids.ts';
import type { GrantParty } from '../../core/ports/grants.ts';
import { ascInterface, decodeGrantId, encodeTerms } from './asc-interface.ts';
import { encodeCall } from './encode-call.ts';
import { findEventId } from './find-event.ts';
import { type CallSenderOptions, createCallSender } from './send-call.ts';
import { asMined, type Receipt } from './wait-for-receipt.ts';

export interface AscPartyOptions extends CallSenderOptions {
  readonly asc: Address;
}

/**
 * What one account does on ASC, one transaction after another. After a crash or a NotRecordedError ASC refuses what was done
 * already, with the error's name as `details.reason`; but `authorise` again makes another grant, and `fund` again adds fuel.
 */
export function createAscParty(options: AscPartyOptions): GrantParty {
  const sender = createCallSender(options);
  const contract = { name: 'ASC', at: options.asc, abi: ascInterface };
  const call = async (
    name: string,
    values: readonly unknown[],
    signal: AbortSignal | undefined,
    valueWei = 0n,
  ): Promise<Receipt> => {
    const data = encodeCall(contract, name, values);
    return sender.inTurn((send) => send({ contract, data, valueWei }), signal);
  };
  return {
    account: sender.account,

    async authorise({ name, kind }, terms, signal) {
      const receipt = await call('authorise', [to0x(name), kind, encodeTerms(terms)], signal);
      return { grant: decodeGrantId(findEventId(contract, 'Proposed', receipt)), transaction: asMined(receipt) };
    },

    drop: async (grant, signal) => asMined(await call('drop', [grant], signal)),
    accept: async (grant, signal) => asMined(await call('accept', [grant], signal)),
    fund: async (grant, wei, signal) => asMined(await call('fund', [grant], signal, wei)),
    revoke: async (grant, signal) => asMined(await call('revoke', [grant], signal)),
    end: async (grant, signal) => asMined(await call('end', [grant], signal)),
    withdraw: async (to, signal) => asMined(await call('withdraw', [to], signal)),
  };
}
