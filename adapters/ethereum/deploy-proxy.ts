import { ChainAnswerError, NotRecordedError } from '../../core/errors.ts';
import { address } from '../../core/ids.ts';
import { type AccountSender, type AccountSenderOptions, openAccountSender } from './account-sender.ts';
import type { JsonRpc } from './json-rpc.ts';
import { findNextNonce } from './next-nonce.ts';
import { amount, parseAnswer, quantity } from './parse-answers.ts';
import { readChainPoint } from './read-chain-point.ts';
import { readFees } from './read-fees.ts';
import { sendAtNonce } from './send-at-nonce.ts';
import { sendRawTransaction } from './send-raw-transaction.ts';
import { takesUnprotected } from './takes-unprotected.ts';
import { waitForReceipt } from './wait-for-receipt.ts';

/** The deterministic deployment proxy, at the same address on every chain: https://github.com/Arachnid/deterministic-deployment-proxy */
export const CREATE2_PROXY = address('0x4e59b44847b379578588920cA78FbF26c0B4956C');

/**
 * The one transaction that brings it there. Nobody has the key of its sender: the signature was chosen, and the sender
 * follows from it, for every chain the same.
 */
const PROXY_TRANSACTION = {
  hash: '0xeddf9e61fb9d8f5111840daef55e5fde0041f5702856532cdbb5a02998033d26',
  raw: '0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222',
} as const;
/** What that transaction carries: code that leaves the proxy's behind. */
const PROXY_CREATION = `0x${PROXY_TRANSACTION.raw.slice(PROXY_TRANSACTION.raw.indexOf('b853') + 4).slice(0, 2 * 0x53)}`;
const PROXY_SENDER = address('0x3fAB184622Dc19b6109349B94811493BF2a45362');
/** 100,000 gas at 100 gwei, as the transaction says. */
const PROXY_COST_WEI = 10n ** 16n;
const PROXY_GAS = 100_000n;
const PROXY_GAS_PRICE_WEI = 10n ** 11n;
const TRANSFER_GAS = 21_000n;

const NEWER_CHAINS =
  'On chains where new state costs more (Amsterdam), the proxy is part of the chain (EIP-7997). Use a chain whose genesis or fork has it.';

/** Whether the deployment proxy is on the chain. */
export async function hasProxy(rpc: JsonRpc, signal?: AbortSignal): Promise<boolean> {
  return (await rpc.call('eth_getCode', [CREATE2_PROXY, 'latest'], signal)) !== '0x';
}

/**
 * Brings the deployment proxy to a chain without it, paid by the signer's account: 0.01 of the chain's coin, most of which
 * is gas. After a crash at any point, calling it again goes on.
 * @throws ChainAnswerError when this chain or node cannot have it, NotRecordedError when a transaction is not taken or mined
 */
export async function deployProxy(options: AccountSenderOptions, signal?: AbortSignal): Promise<void> {
  const { chainId } = options;
  const sender = openAccountSender(options);
  const { rpc, waitMs } = sender;
  if (await hasProxy(rpc, signal)) return;
  const sent = await rpc.call('eth_getTransactionCount', [PROXY_SENDER, 'latest'], signal);
  if (parseAnswer(quantity, 'eth_getTransactionCount', sent) > 0) {
    throw new ChainAnswerError(
      `Chain ${chainId} has no deployment proxy and cannot get one, because ${PROXY_SENDER} has already sent its one transaction. ${NEWER_CHAINS}`,
    );
  }
  const { baseFeePerGasWei } = await readChainPoint(rpc, 'latest', signal);
  if (baseFeePerGasWei !== null && baseFeePerGasWei > PROXY_GAS_PRICE_WEI) {
    throw new NotRecordedError(
      `The transaction that deploys the proxy pays ${PROXY_GAS_PRICE_WEI} wei a gas, but the chain now asks ${baseFeePerGasWei}. Wait until it asks less.`,
    );
  }
  const needed = await estimateCreation(options, rpc, signal);
  if (needed > PROXY_GAS) {
    throw new ChainAnswerError(
      `The transaction that deploys the proxy carries ${PROXY_GAS} gas, but on chain ${chainId} it needs ${needed}. Nothing was paid. ${NEWER_CHAINS}`,
    );
  }
  // First without funds: what a node would not take for another reason is not worth paying for.
  const taken = await offerTransaction(rpc, signal);
  if (!taken) {
    await fundSender(sender, signal);
    await sendRawTransaction(rpc, PROXY_TRANSACTION, signal);
  }
  await waitForReceipt(rpc, PROXY_TRANSACTION.hash, waitMs, signal);
  if (await hasProxy(rpc, signal)) return;
  throw new ChainAnswerError(
    `The transaction that deploys the proxy was mined on chain ${chainId}, but created no proxy, because its 100,000 gas is too little there. ${NEWER_CHAINS}`,
  );
}

/** What the creation would take if anybody else sent it. */
async function estimateCreation({ signer }: AccountSenderOptions, rpc: JsonRpc, signal?: AbortSignal): Promise<bigint> {
  const call = { from: signer.account, data: PROXY_CREATION };
  return parseAnswer(amount, 'eth_estimateGas', await rpc.call('eth_estimateGas', [call], signal));
}

/** False when the node takes it once its sender is funded, as far as it says. */
async function offerTransaction(rpc: JsonRpc, signal?: AbortSignal): Promise<boolean> {
  try {
    await sendRawTransaction(rpc, PROXY_TRANSACTION, signal);
    return true;
  } catch (cause) {
    if (!(cause instanceof NotRecordedError)) throw cause;
    if (await takesUnprotected(rpc, signal)) return false;
    throw new ChainAnswerError(
      'The node rejects the transaction that deploys the proxy, because it names no chain. Nothing was paid. Use a node that accepts such transactions (geth: --rpc.allow-unprotected-txs).',
      { cause },
    );
  }
}

async function fundSender(sender: AccountSender, signal?: AbortSignal): Promise<void> {
  const { rpc, waitMs, sent } = sender;
  const next = await findNextNonce(sender, signal);
  // What was on its way may have been just that.
  const had = await rpc.call('eth_getBalance', [PROXY_SENDER, 'latest'], signal);
  const missingWei = PROXY_COST_WEI - parseAnswer(amount, 'eth_getBalance', had);
  if (missingWei <= 0n) return;
  const replaced = next.replaces === 'unknown' ? null : next.replaces;
  const fees = await readFees(rpc, replaced ?? undefined, signal);
  const transfer = { to: PROXY_SENDER, data: '0x', valueWei: missingWei, gas: TRANSFER_GAS };
  const { hash, nonce } = await sendAtNonce(sender, transfer, next, fees, signal);
  await waitForReceipt(rpc, hash, waitMs, signal);
  await sent.forgetBelow(nonce + 1);
}
