import * as z from 'zod';
import type { DatasetId } from '../../core/ids.ts';
import type { GrantId } from '../../core/ports/grants.ts';

/* The relayer's items as the table gives them back: what is damaged is not taken for anything. */

/** JSON in text, by a schema. */
const jsonText = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);
const hash32 = z.string().regex(/^0x[0-9a-f]{64}$/);
const count = z.int().min(0);
const wei = z
  .string()
  .regex(/^[0-9]{1,78}$/)
  .transform(BigInt);

/** STATE: nonces whose transaction is not final, and what is known of account and node. */
export const stateItem = z.object({
  open: jsonText(z.array(z.object({ nonce: count, hashes: z.array(hash32).min(1), preparedAtMs: count }))),
  outOfFundsSinceMs: count.nullable().default(null),
  atMost: z.int().min(1).nullable().default(null),
});

/** TX#: one signed transaction, and what it does. */
export const transactionItem = z.object({
  raw: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  maxFeePerGasWei: wei,
  maxPriorityFeePerGasWei: wei,
  kind: z.enum(['record', 'relay', 'accept', 'round']),
  covers: jsonText(z.array(z.object({ dataset: hash32.transform((text) => text as DatasetId), size: count }))),
  grant: hash32.transform((text) => text as GrantId).optional(),
});
