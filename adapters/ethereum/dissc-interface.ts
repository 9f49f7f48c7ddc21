import { Interface } from 'ethers';
import { concatBytes, to0x, u8, u32 } from '../../core/bytes.ts';
import type { Update } from '../../core/ports/ledger.ts';
import { disscAbi } from './abi/dissc.ts';

/** DISSC's ABI, parsed once. */
export const disscInterface = new Interface(disscAbi);

/** Calldata of record(updates). */
export function encodeRecord(updates: readonly Update[]): string {
  return disscInterface.encodeFunctionData('record', [updates.map(encodeUpdate)]);
}

/** `IDISSC.Update`. */
export function encodeUpdate(update: Update): object {
  return {
    dataset: update.dataset,
    leaves: to0x(encodeLeaves(update)),
    sealedDigests: to0x(concatBytes(...update.leaves.flatMap((leaf) => leaf.sealed ?? []))),
    signature: to0x(update.signature),
  };
}

/** For each batch u8 published ‖ u32 count ‖ salt ‖ batchRoot, packed (design §5). */
export function encodeLeaves(update: Update): Uint8Array {
  return concatBytes(
    ...update.leaves.flatMap((leaf) => [u8(leaf.sealed === null ? 0 : 1), u32(leaf.count), leaf.salt, leaf.batchRoot]),
  );
}
