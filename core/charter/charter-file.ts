import * as dagCbor from '@ipld/dag-cbor';
import { to0x } from '../bytes.ts';
import { decodeCanonical, type Refuse, requireBytes, requireInteger, requireMap } from '../dag-cbor.ts';
import { ArgumentError } from '../errors.ts';
import { type Address, addressBytes, type DatasetId } from '../ids.ts';
import { SIGNATURE_BYTES } from '../typed-data.ts';
import { requireCharter, type SignedCharter } from './charter.ts';
import { requireDatasetName } from './dataset-name.ts';
import type { DatasetKind } from './kind.ts';

/** No charter is longer: the fields' names and the longest values take 237 bytes. */
export const MAX_CHARTER_BYTES = 512;

/** `<dataset>/charter-<serial>`, the dataset in lower-case hex without 0x, the serial in decimal. */
export function charterKey(dataset: DatasetId, serial: number): string {
  return `${dataset.slice(2)}/charter-${serial}`;
}

/** What a charter's key says, or null when it is not one. */
export function parseCharterKey(key: string): { readonly dataset: DatasetId; readonly serial: number } | null {
  const match = /^([0-9a-f]{64})\/charter-([1-9][0-9]{0,9})$/.exec(key);
  const [, dataset, digits] = match ?? [];
  if (dataset === undefined || digits === undefined || Number(digits) > MAX_SERIAL) return null;
  return { dataset: `0x${dataset}` as DatasetId, serial: Number(digits) };
}

/**
 * A charter as the bucket keeps it: canonical dag-cbor `{v: 2, owner, name, kind, device, anchorer, serial, from, signature}`
 * (specification#charter).
 * @throws ArgumentError when a reader would refuse it
 */
export function encodeCharter(charter: SignedCharter): Uint8Array {
  requireCharter(charter);
  const bytes = dagCbor.encode({
    v: 2,
    owner: addressBytes(charter.owner),
    name: charter.name,
    kind: charter.kind,
    device: addressBytes(charter.device),
    anchorer: addressBytes(charter.anchorer),
    serial: charter.serial,
    from: charter.from,
    signature: charter.signature,
  });
  decodeCharter(bytes);
  return bytes;
}

/**
 * Reads a charter strictly: canonical, known fields, bounded. Whether the owner has signed it is not known from this.
 * @throws ArgumentError naming the field
 */
export function decodeCharter(bytes: Uint8Array): SignedCharter {
  if (bytes.length > MAX_CHARTER_BYTES) {
    throw new ArgumentError(`The charter has ${bytes.length} bytes; at most ${MAX_CHARTER_BYTES} fit.`);
  }
  const map = requireMap(decodeCanonical(bytes, 'charter', refuse), 'charter', FIELDS, refuse);
  if (map.v !== 2) refuse('The format version must be 2.', 'charter.v');
  const account = (field: string): Address => to0x(requireBytes(map[field], `charter.${field}`, refuse, 20)) as Address;
  const charter: SignedCharter = {
    owner: account('owner'),
    name: requireDatasetName(requireBytes(map.name, 'charter.name', refuse, 32)),
    kind: requireInteger(map.kind, 'charter.kind', 0, 2, refuse) as DatasetKind,
    device: account('device'),
    anchorer: account('anchorer'),
    serial: requireInteger(map.serial, 'charter.serial', 1, MAX_SERIAL, refuse),
    from: requireInteger(map.from, 'charter.from', 0, Number.MAX_SAFE_INTEGER, refuse),
    signature:
      map.signature === null ? null : requireBytes(map.signature, 'charter.signature', refuse, SIGNATURE_BYTES),
  };
  requireCharter(charter);
  return charter;
}

const MAX_SERIAL = 0xffff_ffff;
const FIELDS = ['v', 'owner', 'name', 'kind', 'device', 'anchorer', 'serial', 'from', 'signature'];

const refuse: Refuse = (what, where, cause) => {
  throw new ArgumentError(`The ${where} is invalid. ${what}`, cause === undefined ? {} : { cause });
};
