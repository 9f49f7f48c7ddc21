import { AbiCoder, keccak256 } from 'ethers';
import { bip39Seed, deviceAccount, ownerAccount, same } from './reference/accounts.ts';
import { expand, hex, type Json } from './reference/bytes.ts';
import { DOMAIN, datasetId, datasetKey, datasetsKey, MNEMONIC, name32 } from './reference/protocol.ts';

const MNEMONICS = [
  MNEMONIC,
  // A 24-word sentence of the Trezor vectors (entropy of 32 times 80).
  'letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd ' +
    'amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless',
];

/** What the owner's mnemonic gives: seed, accounts, dataset keys; and dataset ids. */
export function keyVectors(): Json {
  return {
    about: "the owner's mnemonic to accounts and dataset keys, and dataset ids, design §4",
    note: "account paths: owner m/44'/60'/0'/0/0, device i m/44'/60'/i'/0/0; no passphrase; datasetsKey = the HKDF output",
    owners: MNEMONICS.map((mnemonic) => {
      const seed = bip39Seed(mnemonic);
      const owner = ownerAccount(mnemonic);
      return {
        mnemonic,
        seed: hex(seed),
        owner: accountJson(owner),
        devices: [1, 2, 7, 2 ** 31 - 1].map((device) => ({ device, ...accountJson(deviceAccount(mnemonic, device)) })),
        datasetsKey: hex(datasetsKey(seed)),
        datasets: [
          idCase(DOMAIN.chainId, DOMAIN.verifyingContract, owner.address, name32('weather')),
          idCase(DOMAIN.chainId, DOMAIN.verifyingContract, owner.address, name32('')),
          idCase(1, hex(expand('keys/contract', 20)), owner.address, expand('keys/name', 32)),
          idCase(2 ** 40, `0x${'ff'.repeat(20)}`, owner.address, new Uint8Array(32).fill(255)),
        ].map(({ id, ...from }) => ({ ...from, dataset: hex(id), datasetKey: hex(datasetKey(seed, id)) })),
      };
    }),
  };
}

function idCase(chainId: number, dissc: string, owner: string, name: Uint8Array) {
  const id = datasetId(chainId, dissc, owner, name);
  const types = ['uint256', 'address', 'address', 'bytes32'];
  const encoded = AbiCoder.defaultAbiCoder().encode(types, [chainId, dissc, owner, hex(name)]);
  same('dataset id', hex(id), keccak256(encoded));
  return { id, chainId, dissc, owner, name: hex(name) };
}

const accountJson = (account: { path: string; privateKey: Uint8Array; address: string }) => ({
  path: account.path,
  privateKey: hex(account.privateKey),
  address: account.address,
});
