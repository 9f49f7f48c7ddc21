import { LedgerUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { JsonRpc } from './json-rpc.ts';
import { toQuantity } from './quantity.ts';
import { readChainPoint } from './read-chain-point.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';

/** Whether there was a contract in a block; `unknown` where the node keeps no state that old. */
export type CodeState = 'code' | 'none' | 'unknown';

/**
 * The block that a contract was deployed in: the first whose state has it. Searched from the newest block backwards in
 * growing steps, so that a node without old state finds what is recent.
 * @throws LedgerUnavailableError when there is none, or the node keeps no state that old
 */
export async function findDeploymentBlock(rpc: JsonRpc, at: Address, signal?: AbortSignal): Promise<number> {
  let { blockNumber: present } = await readChainPoint(rpc, 'latest', signal);
  if ((await codeStateAt(rpc, at, present, signal)) !== 'code') {
    throw new LedgerUnavailableError(`There is no contract at ${at} in block ${present}.`);
  }
  // In block `absent` there is none, or the node does not know.
  let absent = -1;
  let state: CodeState = 'none';
  for (let step = 1; present > 0; step *= 2) {
    const probe = Math.max(0, present - step);
    state = await codeStateAt(rpc, at, probe, signal);
    if (state !== 'code') {
      absent = probe;
      break;
    }
    present = probe;
  }
  while (present - absent > 1) {
    const probe = Math.floor((present + absent) / 2);
    const probed = await codeStateAt(rpc, at, probe, signal);
    if (probed === 'code') present = probe;
    else {
      absent = probe;
      state = probed;
    }
  }
  if (state === 'unknown') {
    throw new LedgerUnavailableError(
      `The node keeps no state of block ${absent}, so the block in which ${at} was deployed cannot be found. Ask an archive node.`,
      { details: { block: absent } },
    );
  }
  return present;
}

export async function codeStateAt(rpc: JsonRpc, at: Address, block: number, signal?: AbortSignal): Promise<CodeState> {
  try {
    const code = await rpc.call('eth_getCode', [at, toQuantity(block)], signal);
    return code === '0x' ? 'none' : 'code';
  } catch (error) {
    if (error instanceof RpcRefusedError) return 'unknown';
    throw error;
  }
}
