import * as z from 'zod';

const contract = z.string().regex(/^0x[0-9a-f]{40}$/);

/**
 * What a server tells the console of the place that it serves (`/console/place.json`). The console believes none of it beyond
 * where to ask: a chain of another id, or contracts that hold nothing, show themselves.
 */
export const consoleFile = z.strictObject({
  v: z.literal(1),
  chainId: z.int().min(1),
  /** How deep a final block lies, where the chain's nodes have no `finalized` block. */
  finalDepth: z.int().min(0).max(1_000_000).nullable(),
  dissc: contract,
  ocasc: contract.nullable(),
  asc: contract.nullable(),
  /** No event of the contracts is in an earlier chain block. */
  fromBlock: z.int().min(0),
  /** Where the service answers; null: at the origin that the page is from. */
  apiUrl: z.url().nullable(),
  /** Whether the origin that the page is from passes questions on to a chain node (`/console/chain`). */
  passesOn: z.boolean(),
  /** Where a chain node answers; null: through the origin that the page is from, or wherever its reader says. */
  rpcUrl: z.url().nullable(),
  /** Where presigned addresses of the bucket lead; the page asks for them through `/console/bucket`. Null: it asks there itself. */
  bucketOrigin: z.url().nullable(),
  /** The account in whose rounds the service anchors; null where it is not named. */
  anchorer: contract.nullable(),
  /** Whether anchorer, storage and devices are one operator's. */
  isOneOperator: z.boolean(),
  /** From which age on the newest round is called late. */
  roundLimitMs: z.int().min(1_000),
});

export type ConsoleFile = z.output<typeof consoleFile>;
