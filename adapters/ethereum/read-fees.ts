import * as z from 'zod';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { JsonRpc } from './json-rpc.ts';
import { amount, parseAnswer } from './parse-answers.ts';
import { readChainPoint } from './read-chain-point.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';

export interface Fees {
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
  /** On a chain without base fee: a transaction of the old kind, whose one gas price both of the others are. */
  readonly isLegacy?: boolean;
}

/** Builders leave out transactions with a smaller tip. */
const LEAST_TIP_WEI = 1_000_000n;
/** What wallets give where a node knows nothing of tips. */
const USUAL_TIP_WEI = 1_000_000_000n;
/**
 * What is above the base fee goes to whoever builds the block, and how much that should be only the node says: one that works
 * for a builder could have an account emptied by one transaction. So no more than this is believed, 1,000 gwei; where a tip
 * must be higher, the transaction waits.
 */
const MAX_TIP_WEI = 10n ** 12n;
/** The same where there is no base fee. Some chains with a cheap coin ask for a few thousand gwei. */
const MAX_GAS_PRICE_WEI = 10n ** 13n;
/** The tips that half of the gas of these blocks paid at least. */
const TIP_HISTORY = ['0x5', 'latest', [50]] as const;

const feeHistory = z.looseObject({ reward: z.array(z.array(amount)).min(1) });

/**
 * Fees that stay good for several blocks of rising base fee; in place of another transaction, high enough. EIP-1559's where
 * the chain has a base fee, else a gas price.
 */
export async function readFees(
  rpc: JsonRpc,
  replaces: Pick<Fees, 'maxFeePerGasWei' | 'maxPriorityFeePerGasWei'> | undefined,
  signal?: AbortSignal,
): Promise<Fees> {
  const { baseFeePerGasWei } = await readChainPoint(rpc, 'latest', signal);
  if (baseFeePerGasWei === null) {
    const asked = larger(await readGasPrice(rpc, signal), LEAST_TIP_WEI);
    const price = replaces === undefined ? asked : larger(asked, raisedFee(replaces.maxFeePerGasWei));
    return { maxFeePerGasWei: price, maxPriorityFeePerGasWei: price, isLegacy: true };
  }
  let tip = smaller(larger(await readTip(rpc, baseFeePerGasWei, signal), LEAST_TIP_WEI), MAX_TIP_WEI);
  if (replaces !== undefined) tip = larger(tip, raisedFee(replaces.maxPriorityFeePerGasWei));
  let maxFee = 2n * baseFeePerGasWei + tip;
  if (replaces !== undefined) maxFee = larger(maxFee, raisedFee(replaces.maxFeePerGasWei));
  return { maxFeePerGasWei: maxFee, maxPriorityFeePerGasWei: tip };
}

/** Nodes replace a transaction only for 10 % more of both fees; an eighth leaves no doubt about rounding. */
export function raisedFee(wei: bigint): bigint {
  return wei + wei / 8n + 1n;
}

/** `eth_maxPriorityFeePerGas` and `eth_feeHistory` are optional; what is left is the gas price, less the base fee. */
async function readTip(rpc: JsonRpc, baseFeeWei: bigint, signal?: AbortSignal): Promise<bigint> {
  const asked = await ifAnswered(rpc, 'eth_maxPriorityFeePerGas', [], amount, signal);
  if (asked !== null) return asked;
  const history = await ifAnswered(rpc, 'eth_feeHistory', TIP_HISTORY, feeHistory, signal);
  if (history !== null) return median(history.reward.map(([tip = 0n]) => tip));
  const price = await ifAnswered(rpc, 'eth_gasPrice', [], amount, signal);
  return price !== null && price > baseFeeWei ? price - baseFeeWei : USUAL_TIP_WEI;
}

/** @throws LedgerUnavailableError where the node does not say it, as nothing else does, or says what cannot be believed */
async function readGasPrice(rpc: JsonRpc, signal?: AbortSignal): Promise<bigint> {
  const price = await ifAnswered(rpc, 'eth_gasPrice', [], amount, signal);
  if (price !== null && price <= MAX_GAS_PRICE_WEI) return price;
  if (price !== null) {
    throw new LedgerUnavailableError(
      `The node at ${rpc.host} asks for a gas price of ${price} wei. Plumbline pays at most ${MAX_GAS_PRICE_WEI}, because one transaction could empty the account. Ask another node.`,
    );
  }
  throw new LedgerUnavailableError(
    `The price of gas is unknown, because the chain of the node at ${rpc.host} has no base fee and the node does not answer eth_gasPrice. Use another node.`,
  );
}

/** Null where the node refuses, or answers something else. */
async function ifAnswered<T extends z.ZodType>(
  rpc: JsonRpc,
  method: string,
  params: readonly unknown[],
  schema: T,
  signal?: AbortSignal,
): Promise<z.output<T> | null> {
  try {
    const answered = await rpc.call(method, params, signal);
    return schema.safeParse(answered).success ? parseAnswer(schema, method, answered) : null;
  } catch (error) {
    if (error instanceof RpcRefusedError) return null;
    throw error;
  }
}

function median(values: readonly bigint[]): bigint {
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted[Math.floor(sorted.length / 2)] ?? 0n;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
