import * as z from 'zod';
import { fromHex } from '../../core/bytes.ts';
import { PlumblineError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { recoverHeadSigner } from '../../core/log/head.ts';
import type { RecordedEvent } from '../../core/ports/ledger.ts';
import { SIGNATURE_BYTES } from '../../core/typed-data.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { data, parseAnswer } from './parse-answers.ts';
import { asUnavailable } from './read-chain-point.ts';

export interface FindSignatureOptions extends JsonRpcOptions {
  readonly dissc: Address;
}

const transaction = z.looseObject({ input: data });
const WORD_BYTES = 32;
const SELECTOR_BYTES = 4;

/**
 * Finds the device's signature of a head that DISSC has recorded: `Recorded` names the signer, the signature itself stands in
 * the transaction, whichever contract that called. It is known by recovering to the signer, so nothing of it is believed.
 * @returns a function that answers null where the transaction has none, or the node does not have it any more
 */
export function createSignatureFinder(options: FindSignatureOptions) {
  const rpc = createJsonRpc(options);
  const { chainId, dissc } = options;
  return async (event: RecordedEvent, signal?: AbortSignal): Promise<Uint8Array | null> => {
    let answered: unknown;
    try {
      answered = await rpc.call('eth_getTransactionByHash', [event.txHash], signal);
    } catch (error) {
      throw asUnavailable(error);
    }
    if (answered === null) return null;
    const { input } = parseAnswer(transaction, 'eth_getTransactionByHash', answered);
    for (const candidate of signaturesIn(fromHex(input, 'input'))) {
      if (isSigner({ chainId, dissc }, event, candidate)) return candidate;
    }
    return null;
  };
}

/** Every byte string of 65 bytes in a call: ABI puts its length into the word before it, at a multiple of 32. */
function* signaturesIn(input: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  for (let at = SELECTOR_BYTES; at + WORD_BYTES + SIGNATURE_BYTES <= input.length; at += WORD_BYTES) {
    // Lengths are small: the word's last four bytes tell most, and recovering tells all.
    if (view.getUint32(at + WORD_BYTES - 4) !== SIGNATURE_BYTES) continue;
    yield input.slice(at + WORD_BYTES, at + WORD_BYTES + SIGNATURE_BYTES);
  }
}

function isSigner(
  domain: Parameters<typeof recoverHeadSigner>[0],
  { signer, ...head }: RecordedEvent,
  signature: Uint8Array,
): boolean {
  try {
    return recoverHeadSigner(domain, head, signature) === signer;
  } catch (error) {
    if (error instanceof PlumblineError) return false;
    throw error;
  }
}
