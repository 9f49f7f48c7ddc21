import * as z from 'zod';

/* A receipt as JSON has it (specification#receipts). Every field is always there; null says that there is none. */

const hex = (bytes: number) => z.string().regex(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`));
const hash = hex(32);
const account = hex(20);
const whole = z.int().min(0);
const amount = z.string().regex(/^(0|[1-9][0-9]{0,77})$/);
const text = (most: number) => z.string().max(most);

const step = z.strictObject({
  event: z.enum([
    ...([
      'offered',
      'cancelled',
      'accepted',
      'claimed',
      'challenged',
      'key-demanded',
      'answered',
      'key-shown',
    ] as const),
    ...(['lapsed', 'breached', 'quitted', 'closed', 'credited'] as const),
  ]),
  transaction: hash,
  blockNumber: whole,
  /** Of its chain block, seconds since 1970. */
  timeSeconds: whole,
  /** The block asked about or answered for. */
  block: whole.nullable(),
  /** Money that the step moved or fixed: of a claim all that is due, of a question its stake. */
  amount: amount.nullable(),
  /** What the amount is in; the zero address for the native coin. */
  token: account.nullable(),
  /** Whom a credit is for, or who accepted. */
  account: account.nullable(),
});

/** What one party's own records say beside the chain: nobody else can check it. */
const local = z.strictObject({
  party: z.enum(['consumer', 'owner']),
  /** Blocks audited as samples, and blocks received and verified. */
  sampled: whole.nullable(),
  verified: whole.nullable(),
  unproven: whole.nullable(),
  deliveredTo: text(4_096).nullable(),
  /** What the highest voucher says that was signed, or that the owner holds. */
  signedFor: amount.nullable(),
  /** Gas of this party's own transactions, in wei. */
  feesWei: amount.nullable(),
});

/** Offer, acceptance, and a few for each question and claim. */
export const MAX_STEPS = 20_000;

export const receiptSchema = z.strictObject({
  v: z.literal(1),
  chainId: z.int().min(1),
  ocasc: account,
  agreement: hash,
  /** Chain block by which all of it is said, and whether it was final. */
  asOf: z.strictObject({ blockNumber: whole, blockHash: hash, timeSeconds: whole, final: z.boolean() }),
  state: z.enum(['offered', 'cancelled', 'active', 'challenged', 'lapsed', 'breached', 'closed']),
  owner: account,
  consumer: account.nullable(),
  dataset: hash,
  kind: z.enum(['encrypted', 'plain', 'attached']),
  first: whole,
  count: z.int().min(1),
  /** The log that the blocks are proven in. */
  log: z.strictObject({ size: whole, root: hash }),
  token: z.strictObject({ address: account, symbol: text(16).nullable(), decimals: whole.max(77).nullable() }),
  price: amount,
  fee: amount,
  bond: amount,
  /** What the owner has earned by the chain. */
  due: amount,
  /** Blocks of the range, from the first on, that this pays for. */
  paidBlocks: whole,
  /** What has become each side's when it ended, or was taken back; null before. */
  outcome: z.strictObject({ toOwner: amount, toConsumer: amount }).nullable(),
  challenges: z.strictObject({ asked: whole, answered: whole }),
  demands: z.strictObject({ asked: whole, answered: whole }),
  endSeconds: whole.nullable(),
  /** What the owner said of the offer, with the signature. */
  description: z.strictObject({ name: hash, text: text(4_096), signature: hex(65) }).nullable(),
  steps: z.array(step).min(1).max(MAX_STEPS),
  local: local.nullable(),
});

export type Receipt = z.output<typeof receiptSchema>;
export type ReceiptStep = Receipt['steps'][number];
