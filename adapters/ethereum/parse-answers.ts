import * as z from 'zod';
import { LedgerUnavailableError } from '../../core/errors.ts';

/*
 * A node's answers are outside input. Quantities that are counted or indexed must be safe integers; amounts stay bigint.
 */

export const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,14}$/i)
  .transform(Number)
  .pipe(z.int().min(0).max(Number.MAX_SAFE_INTEGER));
export const amount = z
  .string()
  .regex(/^0x[0-9a-f]{1,64}$/i)
  .transform(BigInt);
export const hash32 = z.string().regex(/^0x[0-9a-f]{64}$/i);
export const data = z
  .string()
  .regex(/^0x[0-9a-f]*$/i)
  .refine((hex) => hex.length % 2 === 0);

/** @throws LedgerUnavailableError when the node answered something else */
export function parseAnswer<T extends z.ZodType>(schema: T, method: string, answered: unknown): z.output<T> {
  const parsed = schema.safeParse(answered);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new LedgerUnavailableError(
    `The node's answer to ${method} is malformed at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? '?'}.`,
  );
}
