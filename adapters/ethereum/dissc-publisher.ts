import { concatBytes, to0x } from '../../core/bytes.ts';
import type { Address } from '../../core/ids.ts';
import type { Publisher } from '../../core/ports/publisher.ts';
import { disscInterface } from './dissc-interface.ts';
import { encodeCall } from './encode-call.ts';
import { type CallSenderOptions, createCallSender } from './send-call.ts';
import { asMined } from './wait-for-receipt.ts';

const NO_NONCE = new Uint8Array(16);

export function createDisscPublisher(options: CallSenderOptions & { readonly dissc: Address }): Publisher {
  const sender = createCallSender(options);
  const contract = { name: 'DISSC', at: options.dissc, abi: disscInterface };
  return {
    account: sender.account,

    async publish({ dataset, serial, first, salt, nonce, sealed }, signal) {
      const values = [dataset, serial, first, to0x(salt), to0x(nonce ?? NO_NONCE), to0x(concatBytes(...sealed))];
      const data = encodeCall(contract, 'publish', values);
      return asMined(await sender.inTurn((send) => send({ contract, data }), signal));
    },
  };
}
