import { encodeBytes32String, type HDNodeWallet, TypedDataEncoder, ZeroAddress } from 'ethers';
import type { SigningDomain } from '../../dev/contracts/growing-log.ts';

const CHARTER_TYPES = {
  Charter: [
    { name: 'name', type: 'bytes32' },
    { name: 'kind', type: 'uint8' },
    { name: 'device', type: 'address' },
    { name: 'anchorer', type: 'address' },
    { name: 'serial', type: 'uint32' },
    { name: 'from', type: 'uint64' },
  ],
};

/** A charter as `record` takes it, signed by ethers. */
export function signedCharter({ chainId, dissc }: SigningDomain, owner: HDNodeWallet, name: string, device: string) {
  const fields = {
    name: encodeBytes32String(name),
    kind: 1,
    device,
    anchorer: ZeroAddress,
    serial: 1_790_000_000,
    from: 0,
  };
  const domain = { name: 'Plumbline DISSC', version: '2', chainId, verifyingContract: dissc };
  const signature = owner.signingKey.sign(TypedDataEncoder.hash(domain, CHARTER_TYPES, fields)).serialized;
  return { owner: owner.address, ...fields, signature };
}
