import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { ENC_BYTES, MAX_MESSAGES, MAX_PAYLOAD_BYTES, type SealedMessage } from '../agreement/message.ts';
import { fromHex, to0x } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import type { Address, AgreementId } from '../ids.ts';
import { SIGNATURE_BYTES } from '../typed-data.ts';

/** Messages of one page of list-messages. */
export const MAX_MESSAGE_PAGE = 16;

/** What lies in the mailbox between two parties, in one direction. */
export interface MessagePage {
  readonly messages: readonly SealedMessage[];
  /** Sequence to go on with, or null when nothing more was there. */
  readonly next: number | null;
}

const bytesOf = (least: number, most: number) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length >= least && value.length <= most);
const sequence = z.int().min(0).max(MAX_MESSAGES);
const account = bytesOf(20, 20);
const enc = bytesOf(ENC_BYTES, ENC_BYTES);
const ciphertext = bytesOf(0, MAX_PAYLOAD_BYTES - ENC_BYTES);
const line = z.tuple([account, account, sequence, enc, ciphertext, bytesOf(SIGNATURE_BYTES, SIGNATURE_BYTES)]);
const page = z.tuple([z.array(line).max(MAX_MESSAGE_PAGE), sequence.nullable()]);

/** dag-cbor: `[[from, to, sequence, enc, ciphertext, signature] …]` and the next sequence. */
export function encodeMessagePage({ messages, next }: MessagePage): Uint8Array {
  const lines = messages.map((message) => [
    ...[fromHex(message.from, 'sender', 20), fromHex(message.to, 'receiver', 20), message.sequence],
    ...[message.enc, message.ciphertext, message.signature],
  ]);
  return dagCbor.encode([lines, next]);
}

/** @throws ArgumentError when the bytes are no such page; what is in it is verified when it is opened */
export function decodeMessagePage(agreement: AgreementId, bytes: Uint8Array): MessagePage {
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch (cause) {
    throw new ArgumentError('The page of messages is not dag-cbor.', { cause });
  }
  const parsed = page.safeParse(value);
  if (!parsed.success) {
    throw new ArgumentError(`The page of messages is malformed at ${parsed.error.issues[0]?.path.join('.')}.`);
  }
  const [lines, next] = parsed.data;
  const messages = lines.map(([from, to, sequence, enc, ciphertext, signature]) => ({
    ...{ agreement, from: to0x(from) as Address, to: to0x(to) as Address },
    ...{ sequence, enc, ciphertext, signature },
  }));
  return { messages, next };
}
