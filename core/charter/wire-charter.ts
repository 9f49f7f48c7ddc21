import { fromHex, to0x } from '../bytes.ts';
import { address } from '../ids.ts';
import type { WireCharter } from '../wire/requests.ts';
import { requireCharter, type SignedCharter } from './charter.ts';
import { decodeDatasetName, encodeDatasetName } from './dataset-name.ts';

/** A charter as JSON carries it: the name as text, bytes as hex. @throws ArgumentError when the name is not text */
export function charterToWire({ name, signature, ...charter }: SignedCharter): WireCharter {
  return { ...charter, name: decodeDatasetName(name), signature: signature === null ? null : to0x(signature) };
}

/** A charter from parsed JSON. That its owner has signed it is not known from this. @throws ArgumentError naming the field */
export function charterFromWire({ name, owner, device, anchorer, signature, ...rest }: WireCharter): SignedCharter {
  const charter: SignedCharter = {
    ...rest,
    owner: address(owner),
    name: encodeDatasetName(name),
    device: address(device),
    anchorer: address(anchorer),
    signature: signature === null ? null : fromHex(signature, 'charter signature'),
  };
  requireCharter(charter);
  return charter;
}
