import { TypedDataEncoder, verifyTypedData } from 'ethers';
import {
  account,
  accountOf,
  headValue,
  SECP256K1_ORDER,
  same,
  signHead,
  TYPES,
  typedDomain,
} from './reference/accounts.ts';
import { concat, expand, hex, type Json, u8, u256 } from './reference/bytes.ts';
import { DOMAIN, type Domain, type Head, headHash, MNEMONIC } from './reference/protocol.ts';

type Signer = { privateKey: Uint8Array; address: string };

/** Heads, their EIP-712 hashes and signatures, good and bad. */
export async function headVectors(): Promise<Json> {
  const heads: Head[] = [
    { dataset: expand('heads/dataset', 32), size: 1n, root: expand('heads/root/1', 32) },
    { dataset: expand('heads/dataset', 32), size: 1025n, root: expand('heads/root/2', 32) },
    { dataset: expand('heads/other', 32), size: 2n ** 48n, root: expand('heads/root/3', 32) },
  ];
  const domains: Domain[] = [
    DOMAIN,
    { chainId: 1, verifyingContract: hex(expand('heads/contract', 20)) },
    { chainId: 11_155_111, verifyingContract: `0x${'00'.repeat(19)}01` },
  ];
  const signers = [accountOf(expand('heads/device', 32)), account(MNEMONIC, "m/44'/60'/0'/0/0")];
  const good: Json[] = [];
  for (const domain of domains)
    for (const head of heads) for (const signer of signers) good.push(await goodCase(domain, head, signer));
  return {
    about: 'EIP-712 head signatures, 65 bytes r || s || v, low s, v 27 or 28, RFC 6979',
    good,
    bad: await badCases(domains, heads, signers),
    note:
      'bad: form = not a head signature at all, to be refused before recovery; signer = well formed, but not by `signer` over ' +
      'this head in this domain',
  };
}

async function goodCase(domain: Domain, head: Head, signer: Signer) {
  const signature = await signHead(signer.privateKey, domain, head);
  const value = headValue(head);
  const types = { Head: TYPES.Head };
  same('EIP-712 hash', hex(headHash(domain, head)), TypedDataEncoder.hash(typedDomain(domain), types, value));
  same('recovered signer', verifyTypedData(typedDomain(domain), types, value, hex(signature)), signer.address);
  return {
    domain: { ...domain },
    head: value,
    hash: hex(headHash(domain, head)),
    privateKey: hex(signer.privateKey),
    signer: signer.address,
    signature: hex(signature),
  };
}

async function badCases(domains: Domain[], heads: Head[], signers: Signer[]): Promise<Json[]> {
  const [domain, head, signer] = [domains[0]!, heads[1]!, signers[0]!];
  const good = await signHead(signer.privateKey, domain, head);
  const [r, s, v] = [good.slice(0, 32), BigInt(hex(good.slice(32, 64))), good[64]!];
  const withV = (value: number) => concat(good.slice(0, 64), u8(value));
  const signed = (over: Partial<Head>, where: Domain = domain, by: Signer = signer) =>
    signHead(by.privateKey, where, { ...head, ...over });
  const form: [string, Uint8Array][] = [
    ['high-s twin', concat(r, u256(SECP256K1_ORDER - s), u8(55 - v))],
    ['high-s twin with v left', concat(r, u256(SECP256K1_ORDER - s), u8(v))],
    ['v as 0 or 1', withV(v - 27)],
    ['v 29', withV(29)],
    ['v 255', withV(255)],
    ['v with a chain id (EIP-155)', withV((v - 27 + 35 + 2 * 31337) % 256)],
    ['64 bytes, no v', good.slice(0, 64)],
    ['64 bytes, compact (EIP-2098)', concat(r, u256(s | (BigInt(v - 27) << 255n)))],
    ['66 bytes', concat(good, u8(0))],
    ['empty', new Uint8Array()],
    ['r zero', concat(u256(0n), good.slice(32))],
    ['s zero', concat(r, u256(0n), u8(v))],
    ['r not below the order', concat(u256(SECP256K1_ORDER), good.slice(32))],
    ['s not below the order', concat(r, u256(SECP256K1_ORDER), u8(v))],
    ['v first (v || r || s)', concat(u8(v), good.slice(0, 64))],
    ['all zero', new Uint8Array(65)],
  ];
  const signerCases: [string, Uint8Array][] = [
    ['the other v', withV(55 - v)],
    ['another chain', await signed({}, { ...domain, chainId: 1 })],
    ['another contract', await signed({}, { ...domain, verifyingContract: domains[1]!.verifyingContract })],
    ['another dataset', await signed({ dataset: heads[2]!.dataset })],
    ['another size', await signed({ size: head.size + 1n })],
    ['another root', await signed({ root: heads[0]!.root })],
    ['an older head', await signHead(signer.privateKey, domain, heads[0]!)],
    ['another device', await signed({}, domain, signers[1]!)],
  ];
  const json =
    (fault: string) =>
    ([name, signature]: [string, Uint8Array]) => ({
      name,
      fault,
      domain: { ...domain },
      head: headValue(head),
      signer: signer.address,
      signature: hex(signature),
    });
  return [...form.map(json('form')), ...signerCases.map(json('signer'))];
}
