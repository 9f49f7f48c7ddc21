import type { Brand } from '../brand.ts';
import { utf8 } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import { MAX_NAME_BYTES } from '../limits.ts';

/** 32 bytes: 1 to 32 bytes of UTF-8 without NUL, left-aligned, zero-padded. */
export type DatasetName = Brand<Uint8Array, 'DatasetName'>;

/** The 32 bytes of a dataset's name. @throws ArgumentError unless it is 1 to 32 bytes of UTF-8 without NUL */
export function encodeDatasetName(text: string): DatasetName {
  const bytes = utf8(text);
  if (!text.isWellFormed() || text.includes('\0')) {
    throw new ArgumentError('A dataset name must be text without the character NUL and without unpaired surrogates.');
  }
  if (bytes.length < 1 || bytes.length > MAX_NAME_BYTES) {
    throw new ArgumentError(
      `The dataset name has ${bytes.length} bytes in UTF-8; 1 to ${MAX_NAME_BYTES} are allowed. Choose a shorter one.`,
    );
  }
  const name = new Uint8Array(MAX_NAME_BYTES);
  name.set(bytes);
  return name as DatasetName;
}

/** The text of a dataset's name. @throws ArgumentError when the 32 bytes are not what a text is written as */
export function decodeDatasetName(name: Uint8Array): string {
  return readDatasetName(requireDatasetName(name));
}

/** @throws ArgumentError unless these are 32 bytes that a text is written as */
export function requireDatasetName(name: Uint8Array): DatasetName {
  const end = name.findLastIndex((byte) => byte !== 0) + 1;
  if (name.length !== MAX_NAME_BYTES || end === 0 || name.subarray(0, end).includes(0)) {
    throw new ArgumentError(
      'An encoded dataset name must have 32 bytes: 1 to 32 bytes of text without NUL, then zeros.',
    );
  }
  readDatasetName(name as DatasetName);
  return name as DatasetName;
}

function readDatasetName(name: DatasetName): string {
  const end = name.findLastIndex((byte) => byte !== 0) + 1;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name.subarray(0, end));
  } catch (cause) {
    throw new ArgumentError('The dataset name is not UTF-8.', { cause });
  }
}
