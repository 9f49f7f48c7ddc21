import { fromHex, to0x } from '../bytes.ts';
import { address } from '../ids.ts';
import type { WireCharter } from '../wire/requests.ts';
import { requireCharter, type SignedCharter } from './charter.ts';
import { decodeDatasetName, encodeDatasetName } from './dataset-name.ts';

export function charterToWire({ name, signature, ...charter }: SignedCharter): WireCharter {
  return { ...charter, name: decodeDatasetName(name), signature: signature === null ? null : to0x(signature) };
}

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
