import { Interface } from 'ethers';
import { to0x } from '../../core/bytes.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import type { RecordCall, Update } from '../../core/ports/ledger.ts';
import { disscAbi } from './abi/dissc.ts';

/** DISSC's ABI, parsed once. */
export const disscInterface = new Interface(disscAbi);

/** Calldata of record(charters, updates). */
export function encodeRecord({ charters, updates }: RecordCall): string {
  return disscInterface.encodeFunctionData('record', [charters.map(encodeCharter), updates.map(encodeUpdate)]);
}

/** `IDISSC.Charter`. Without a signature it counts where its owner calls. */
export function encodeCharter({ name, signature, ...same }: SignedCharter): object {
  return { ...same, name: to0x(name), signature: signature === null ? '0x' : to0x(signature) };
}

/** `IDISSC.Update`. */
export function encodeUpdate({ dataset, size, root, signature, peaks, appended }: Update): object {
  return {
    dataset,
    size,
    root: to0x(root),
    signature: to0x(signature),
    peaks: peaks.map(to0x),
    appended: appended.map(to0x),
  };
}
