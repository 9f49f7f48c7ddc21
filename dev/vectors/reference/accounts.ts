/** BIP-39 and BIP-32 by ethers, held against a second derivation on node:crypto; EIP-712 signatures by ethers. */
import { createHmac, pbkdf2Sync } from 'node:crypto';
import { HDNodeWallet, Mnemonic, SigningKey, Wallet } from 'ethers';
import { concat, hex, u8, u32, u256, unhex, utf8 } from './bytes.ts';
import { type Domain, type Head, headHash } from './protocol.ts';

export interface Account {
  path: string;
  privateKey: Uint8Array;
  address: string;
}

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

export { ORDER as SECP256K1_ORDER };

export function bip39Seed(mnemonic: string, passphrase = ''): Uint8Array {
  const seed = unhex(Mnemonic.fromPhrase(mnemonic, passphrase).computeSeed());
  const again = pbkdf2Sync(
    mnemonic.normalize('NFKD'),
    utf8(`mnemonic${passphrase}`.normalize('NFKD')),
    2048,
    64,
    'sha512',
  );
  same('BIP-39 seed', hex(seed), hex(again));
  return seed;
}

export function account(mnemonic: string, path: string): Account {
  const wallet = HDNodeWallet.fromPhrase(mnemonic, '', path);
  same(`BIP-32 key at ${path}`, wallet.privateKey, hex(deriveByHand(bip39Seed(mnemonic), path).key));
  return { path, privateKey: unhex(wallet.privateKey), address: wallet.address.toLowerCase() };
}

export const ownerAccount = (mnemonic: string): Account => account(mnemonic, "m/44'/60'/0'/0/0");
export const deviceAccount = (mnemonic: string, device: number): Account =>
  account(mnemonic, `m/44'/60'/${device}'/0/0`);

/** r ‖ s ‖ v; RFC 6979 makes it deterministic. */
export async function signHead(privateKey: Uint8Array, domain: Domain, head: Head): Promise<Uint8Array> {
  const wallet = new Wallet(hex(privateKey));
  const types = {
    Head: [
      { name: 'dataset', type: 'bytes32' },
      { name: 'size', type: 'uint64' },
      { name: 'batches', type: 'uint32' },
      { name: 'root', type: 'bytes32' },
    ],
  };
  const value = { dataset: hex(head.dataset), size: head.size, batches: head.batches, root: hex(head.root) };
  const signature = await wallet.signTypedData({ name: 'Plumbline DISSC', version: '1', ...domain }, types, value);
  same('EIP-712 signature', signature, new SigningKey(hex(privateKey)).sign(headHash(domain, head)).serialized);
  return unhex(signature);
}

export function deriveByHand(seed: Uint8Array, path: string): { key: Uint8Array; chainCode: Uint8Array } {
  let node = hmac512(utf8('Bitcoin seed'), seed);
  for (const step of path.split('/').slice(1)) {
    const hardened = step.endsWith("'");
    const index = Number.parseInt(step, 10) + (hardened ? 0x80000000 : 0);
    const parent = node.subarray(0, 32);
    const serialised = hardened
      ? concat(u8(0), parent)
      : unhex(SigningKey.computePublicKey(hex(parent), true).toLowerCase());
    const child = hmac512(node.subarray(32), concat(serialised, u32(index)));
    const key = (BigInt(hex(child.subarray(0, 32))) + BigInt(hex(parent))) % ORDER;
    node = concat(u256(key), child.subarray(32));
  }
  return { key: node.slice(0, 32), chainCode: node.slice(32) };
}

export function same(what: string, seen: string, expected: string): void {
  if (seen.toLowerCase() !== expected.toLowerCase()) throw new Error(`${what}: ${seen} is not ${expected}`);
}

const hmac512 = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  Uint8Array.from(createHmac('sha512', key).update(message).digest());
