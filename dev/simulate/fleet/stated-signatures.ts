import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const FILE = join(import.meta.dirname, '..', '..', '..', 'core', 'typed-data.ts');

/** What is changed in core/typed-data.ts: a signature is the account and a hash over it and what it signs. */
const CHANGES: readonly (readonly [from: string, to: string])[] = [
  [
    "  const signed = secp256k1.sign(hash, key, { prehash: false, format: 'recovered' });\n  return concatBytes(signed.subarray(1), u8(27 + (signed[0] as number)));",
    '  const account = statedAccountOf(key);\n  return concatBytes(account, new Uint8Array(12), keccak_256(concatBytes(account, hash)), u8(27));',
  ],
  [
    '  try {\n    const signed = secp256k1.Signature',
    "  const account = signature.subarray(0, 20);\n  if (to0x(keccak_256(concatBytes(account, hash))) !== to0x(signature.subarray(32, 64))) throw new ProofError('Nobody has stated this.');\n  if (what !== '') return to0x(account) as Address;\n  try {\n    const signed = secp256k1.Signature",
  ],
  [
    '/** The account of a private key. */',
    'const stated = new Map<string, Uint8Array>();\nfunction statedAccountOf(key: PrivateKey): Uint8Array {\n  const name = to0x(key);\n  const account = stated.get(name) ?? addressBytes(accountOfKey(key));\n  stated.set(name, account);\n  return account;\n}\n\n/** The account of a private key. */',
  ],
];

/**
 * From here on whoever signs states who he is, which anybody could: the arithmetic of secp256k1 is left out, which is most of what
 * a batch of one block costs. Only where nobody lies.
 * @throws Error when the file does not have what is to be changed
 */
export function loadStatedSignatures(): void {
  const source = statedSource();
  const url = pathToFileURL(FILE).href;
  registerHooks({
    load: (asked, context, nextLoad) =>
      asked === url ? { format: 'module-typescript', source, shortCircuit: true } : nextLoad(asked, context),
  });
}

/** The changed file. @throws Error when it does not have what is to be changed */
export function statedSource(): string {
  let source = readFileSync(FILE, 'utf8');
  for (const [from, to] of CHANGES) {
    if (source.split(from).length !== 2)
      throw new Error(`${FILE} does not have "${from}" once: mend the stated signatures.`);
    source = source.replace(from, () => to);
  }
  return source;
}
