import { account, bip39Seed, deriveByHand, same } from '../reference/accounts.ts';
import { hex, type Json, unhex } from '../reference/bytes.ts';

export function bip39Vectors(): Json {
  const twelve = (words: string, last: string) => `${words} ${last}`;
  const cases: [mnemonic: string, passphrase: string, seed: string][] = [
    [
      twelve(new Array(11).fill('abandon').join(' '), 'about'),
      'TREZOR',
      'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04',
    ],
    [
      'legal winner thank year wave sausage worth useful legal winner thank yellow',
      'TREZOR',
      '2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607',
    ],
    [
      'letter advice cage absurd amount doctor acoustic avoid letter advice cage above',
      'TREZOR',
      'd71de856f81a8acc65e6fc851a38d4d7ec216fd0796d0a6827a3ad6ed5511a30fa280f12eb2e47ed2ac03b5c462a0358d18d69fe4f985ec81778c1b370b652a8',
    ],
    [
      twelve(new Array(11).fill('zoo').join(' '), 'wrong'),
      'TREZOR',
      'ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b11c61dee327651a14c34e18231052e48c069',
    ],
    [
      twelve(new Array(23).fill('abandon').join(' '), 'art'),
      'TREZOR',
      'bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8',
    ],
    [
      twelve(new Array(11).fill('abandon').join(' '), 'about'),
      '',
      '5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4',
    ],
  ];
  return {
    source: 'BIP-39, test vectors by Trezor (passphrase TREZOR); the last is the first sentence without a passphrase',
    cases: cases.map(([mnemonic, passphrase, seed]) => {
      same(`seed of ${mnemonic}`, hex(bip39Seed(mnemonic, passphrase)), `0x${seed}`);
      return { mnemonic, passphrase, seed: `0x${seed}` };
    }),
  };
}

export function bip32Vectors(): Json {
  const seed = '0x000102030405060708090a0b0c0d0e0f';
  const chain: [path: string, privateKey: string, chainCode: string][] = [
    [
      'm',
      'e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35',
      '873dff81c02f525623fd1fe5167eac3a55a049de3d314bb42ee227ffed37d508',
    ],
    [
      "m/0'",
      'edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea',
      '47fdacbd0f1097043b78c63c20c34ef4ed9a111d980047ad16282c7ae6236141',
    ],
    [
      "m/0'/1",
      '3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368',
      '2a7857631386ba23dacac34180dd1983734e444fdbf774041578e9b6adb37c19',
    ],
  ];
  const mnemonic = 'test test test test test test test test test test test junk';
  const well: [path: string, privateKey: string, address: string][] = [
    [
      "m/44'/60'/0'/0/0",
      'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
      '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
    ],
    [
      "m/44'/60'/0'/0/1",
      '59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
      '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
    ],
  ];
  return {
    source: 'BIP-32, test vector 1; accounts of the mnemonic known from Hardhat and Foundry',
    seed,
    chain: chain.map(([path, privateKey, chainCode]) => {
      const seen = deriveByHand(unhex(seed), path);
      same(`key at ${path}`, hex(seen.key), `0x${privateKey}`);
      same(`chain code at ${path}`, hex(seen.chainCode), `0x${chainCode}`);
      return { path, privateKey: `0x${privateKey}`, chainCode: `0x${chainCode}` };
    }),
    mnemonic,
    accounts: well.map(([path, privateKey, address]) => {
      const seen = account(mnemonic, path);
      same(`key at ${path}`, hex(seen.privateKey), `0x${privateKey}`);
      same(`address at ${path}`, seen.address, address);
      return { path, privateKey: `0x${privateKey}`, address };
    }),
  };
}
