import { AbiCoder, HDNodeWallet, keccak256 } from 'ethers';
import { type GrowingLog, growLog, hashNode, makeGrowingLog, subtreeSizes } from '../../dev/contracts/growing-log.ts';
import { makeSoldBlock, plantFirst, recordHash, type SoldBlock } from '../../dev/contracts/sold-block.ts';
import type { ContractsChain } from './contracts-chain.ts';
import { signedCharter } from './signed-charter.ts';

/** A recorded log of 1,000,000 blocks, the first of which has bytes, with that block's path to the root. */
export interface SoldLog {
  readonly log: GrowingLog;
  /** bytes32. */
  readonly name: string;
  readonly kind: number;
  readonly block: SoldBlock;
  readonly path: readonly Buffer[];
}

const LOG_BLOCKS = 1_000_000;

export async function recordSoldLog(
  { signing, chainId, dissc, owner, act }: ContractsChain,
  text: string,
  sizeBytes: number,
  kind = 1,
): Promise<SoldLog> {
  const device = HDNodeWallet.createRandom();
  const charter = { ...signedCharter(signing, owner, text, device.address), kind };
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ['uint256', 'address', 'address', 'bytes32', 'uint8'],
    [chainId, dissc.target, owner.address, charter.name, kind],
  );
  const log = makeGrowingLog(keccak256(encoded), device);
  const block = makeSoldBlock(log, 0, sizeBytes);
  const { root, path } = plantFirst(recordHash(block), subtreeSizes(0, LOG_BLOCKS)[0]!);
  // The owner calls: no signature is read.
  await act(dissc, 'record', [[charter], [growLog(signing, log, LOG_BLOCKS, [root])]]);
  const rest = log.peaks
    .slice(1)
    .map(({ hash }) => hash)
    .reduceRight((right, left) => hashNode(left, right));
  return { log, name: charter.name, kind, block, path: [...path, rest] };
}
