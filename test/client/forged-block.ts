import { headerFromJson } from '../../core/chain-proof/block-header.ts';
import type { Dialect } from '../adapters/foreign-node.ts';

/** What liars who agree with each other make of every block: another one whose hash fits its fields. No proof leads to its state. */
export const forgedBlock: NonNullable<Dialect['result']> = ({ method, params }, result) => {
  if (method !== 'eth_getBlockByNumber' || params[0] === 'finalized') return result;
  const block = { ...(result as Record<string, string>), extraData: '0x11' };
  try {
    headerFromJson(block);
  } catch (error) {
    const hash = /hash to (0x[0-9a-f]{64})/.exec((error as Error).message)?.[1] as string;
    return { ...block, hash };
  }
  return block;
};
