import { AbiCoder, keccak256 } from 'ethers';
import { accountOf, bip39Seed, ownerAccount, same } from './reference/accounts.ts';
import { expand, hex, type Json } from './reference/bytes.ts';
import { auditKey, DOMAIN, datasetId, datasetKey, deviceKey, MNEMONIC, name32, readKey } from './reference/protocol.ts';

const MNEMONICS = [
  MNEMONIC,
  // A 24-word sentence of the Trezor vectors (entropy of 32 times 80).
  'letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd ' +
    'amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless',
];
const SERIALS = [1, 1_790_000_000, 1_790_000_001, 2 ** 32 - 1];

/** What the owner's mnemonic gives: seed, account, dataset ids, and for each serial the keys of a device. */
export function keyVectors(): Json {
  return {
    about: "the owner's mnemonic to account, dataset ids, dataset and device keys, specification#keys",
    note: "owner m/44'/60'/0'/0/0, no passphrase; attempt is that of the device's key",
    owners: MNEMONICS.map((mnemonic) => {
      const seed = bip39Seed(mnemonic);
      const owner = ownerAccount(mnemonic);
      return {
        mnemonic,
        seed: hex(seed),
        owner: { path: owner.path, privateKey: hex(owner.privateKey), address: owner.address },
        datasets: [
          idCase(DOMAIN.chainId, DOMAIN.verifyingContract, owner.address, name32('weather'), 0),
          idCase(DOMAIN.chainId, DOMAIN.verifyingContract, owner.address, name32('weather'), 1),
          idCase(DOMAIN.chainId, DOMAIN.verifyingContract, owner.address, name32('weather'), 2),
          idCase(1, hex(expand('keys/contract', 20)), owner.address, name32('n'.repeat(32)), 0),
          idCase(2 ** 40, `0x${'ff'.repeat(20)}`, owner.address, expand('keys/name', 32), 2),
        ].map(({ id, ...from }) => ({
          ...from,
          dataset: hex(id),
          devices: SERIALS.map((serial) => deviceJson(seed, id, serial)),
        })),
      };
    }),
  };
}

function deviceJson(seed: Uint8Array, id: Uint8Array, serial: number): Json {
  const secret = datasetKey(seed, id, serial);
  const device = accountOf(deviceKey(seed, id, serial));
  return {
    serial,
    datasetKey: hex(secret),
    auditKey: hex(auditKey(secret)),
    readKey: hex(readKey(secret)),
    attempt: 0,
    devicePrivateKey: hex(device.privateKey),
    device: device.address,
  };
}

function idCase(chainId: number, dissc: string, owner: string, name: Uint8Array, kind: number) {
  const id = datasetId(chainId, dissc, owner, name, kind);
  const types = ['uint256', 'address', 'address', 'bytes32', 'uint8'];
  const encoded = AbiCoder.defaultAbiCoder().encode(types, [chainId, dissc, owner, hex(name), kind]);
  same('dataset id', hex(id), keccak256(encoded));
  return { id, chainId, dissc, owner, name: hex(name), kind };
}
