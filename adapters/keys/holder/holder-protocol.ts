import * as z from 'zod';

/*
 * One question and one answer a connection, each a line of JSON. Behind the answer to `key` stand the key's bytes, raw: the
 * holder never makes a text of them, which nobody could wipe.
 */

/** No question is longer. */
export const MAX_QUESTION_BYTES = 512;
/** No answer is longer, without the key behind it. */
export const MAX_ANSWER_BYTES = 8_192;
/** Both sides wait no longer for the other. */
export const ANSWER_TIMEOUT_MS = 2_000;
/** Who connects while so many others are connected is sent away. */
export const MAX_CONNECTIONS = 16;

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

/** What a command asks: how it stands, the key of the keystore with this hash, or to forget it. */
export const holderQuestion = z.discriminatedUnion('ask', [
  z.strictObject({ ask: z.literal('status') }),
  z.strictObject({ ask: z.literal('key'), keystoreSha256: sha256Hex }),
  z.strictObject({ ask: z.literal('lock') }),
]);

export type HolderQuestion = z.infer<typeof holderQuestion>;

/** What is held, as anyone who may ask can know it. */
const heldState = z.strictObject({
  state: z.literal('held'),
  account: z.string().regex(/^0x[0-9a-f]{40}$/),
  keystore: z.string().max(4_096),
  pid: z.int().min(1),
  untilMs: z.int().min(0),
  remainingMs: z.int().min(0),
});

export type HeldState = Omit<z.infer<typeof heldState>, 'state'>;

export const holderAnswer = z.discriminatedUnion('state', [
  heldState,
  // The key has been wiped.
  z.strictObject({ state: z.literal('locked'), because: z.string().max(256) }),
  z.strictObject({ state: z.literal('refused'), because: z.string().max(256) }),
]);

export type HolderAnswer = z.infer<typeof holderAnswer>;
