import { SigningKey, Transaction } from 'ethers';
import type { JsonRpc } from './json-rpc.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';

/** For one question: nobody has ether at the account of a key that is drawn anew. */
const TRANSFER = {
  type: 0,
  nonce: 0,
  to: `0x${'00'.repeat(19)}01`,
  value: 1n,
  gasLimit: 21_000n,
  gasPrice: 10n ** 11n,
};

/**
 * Whether a node takes transactions that name no chain (not protected as EIP-155 has it). Nodes say that they do not in words
 * of their own; so two are offered that nobody could pay for, alike but for that. Where the node has the same against both,
 * it is not that.
 */
export async function takesUnprotected(rpc: JsonRpc, signal?: AbortSignal): Promise<boolean> {
  const key = new SigningKey(crypto.getRandomValues(new Uint8Array(32)));
  const chainId = BigInt(String(await rpc.call('eth_chainId', [], signal)));
  const unprotected = await refusalOf(rpc, signed(key, 0n), signal);
  return unprotected === null || unprotected === (await refusalOf(rpc, signed(key, chainId), signal));
}

function signed(key: SigningKey, chainId: bigint): string {
  const transaction = Transaction.from({ ...TRANSFER, chainId });
  transaction.signature = key.sign(transaction.unsignedHash);
  return transaction.serialized;
}

/** What the node has against it, but for the numbers in it; null when it takes it. */
async function refusalOf(rpc: JsonRpc, raw: string, signal?: AbortSignal): Promise<string | null> {
  try {
    await rpc.call('eth_sendRawTransaction', [raw], signal);
    return null;
  } catch (error) {
    if (!(error instanceof RpcRefusedError)) throw error;
    return `${error.code} ${error.said.replace(/0x[0-9a-f]+|[0-9]+/gi, '#')}`;
  }
}
