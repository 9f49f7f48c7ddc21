/** BIP-39 and BIP-32 by ethers, held against a second derivation on node:crypto; EIP-712 signatures by ethers. */
import { createHmac, pbkdf2Sync } from 'node:crypto';
import { HDNodeWallet, Mnemonic, SigningKey, Wallet } from 'ethers';
import { concat, hex, u8, u32, u256, unhex, utf8 } from './bytes.ts';
import { type Charter, charterHash, type Domain, type Head, headHash } from './protocol.ts';

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
/** An account by its private key alone. */
export function accountOf(privateKey: Uint8Array): { privateKey: Uint8Array; address: string } {
  return { privateKey, address: new Wallet(hex(privateKey)).address.toLowerCase() };
}

export const TYPES = {
  Head: [
    { name: 'dataset', type: 'bytes32' },
    { name: 'size', type: 'uint64' },
    { name: 'root', type: 'bytes32' },
  ],
  Charter: [
    { name: 'name', type: 'bytes32' },
    { name: 'kind', type: 'uint8' },
    { name: 'device', type: 'address' },
    { name: 'anchorer', type: 'address' },
    { name: 'serial', type: 'uint32' },
    { name: 'from', type: 'uint64' },
  ],
};

export const typedDomain = (domain: Domain) => ({ name: 'Plumbline DISSC', version: '2', ...domain });
export const headValue = (head: Head) => ({
  dataset: hex(head.dataset),
  size: head.size.toString(),
  root: hex(head.root),
});
export const charterValue = (c: Charter) => ({
  name: hex(c.name),
  kind: c.kind,
  device: hex(c.device),
  anchorer: hex(c.anchorer),
  serial: c.serial,
  from: c.from.toString(),
});

/** r ‖ s ‖ v; RFC 6979 makes it deterministic. By ethers, and held against our own hash. */
export function signHead(privateKey: Uint8Array, domain: Domain, head: Head): Promise<Uint8Array> {
  return sign(privateKey, domain, { Head: TYPES.Head }, headValue(head), headHash(domain, head));
}

export function signCharter(privateKey: Uint8Array, domain: Domain, charter: Charter): Promise<Uint8Array> {
  return sign(privateKey, domain, { Charter: TYPES.Charter }, charterValue(charter), charterHash(domain, charter));
}

async function sign(
  privateKey: Uint8Array,
  domain: Domain,
  types: Record<string, { name: string; type: string }[]>,
  value: Record<string, string | number>,
  hash: Uint8Array,
): Promise<Uint8Array> {
  const signature = await new Wallet(hex(privateKey)).signTypedData(typedDomain(domain), types, value);
  same('EIP-712 signature', signature, new SigningKey(hex(privateKey)).sign(hash).serialized);
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
