import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const FILE = join(import.meta.dirname, '..', '..', 'core', 'typed-data.ts');

/** What is changed in core/typed-data.ts. */
const CHANGES: readonly (readonly [from: string, to: string])[] = [
  [
    '  return concatBytes(signed.subarray(1), u8(27 + (signed[0] as number)));',
    '  return rememberSigned(hash, concatBytes(signed.subarray(1), u8(27 + (signed[0] as number))), key);',
  ],
  [
    '  try {\n    const signed = secp256k1.Signature',
    '  const known = signedHere.get(to0x(concatBytes(hash, signature)));\n  if (known !== undefined) return known;\n  try {\n    const signed = secp256k1.Signature',
  ],
  [
    '/** The account of a private key. */',
    `const signedHere = new Map<string, Address>();
const accountsHere = new Map<string, Address>();
function rememberSigned(hash: Uint8Array, signature: Uint8Array, key: PrivateKey): Uint8Array {
  if (signedHere.size > 10_000) signedHere.clear();
  if (accountsHere.size > 1000) accountsHere.clear();
  const name = to0x(key);
  const account = accountsHere.get(name) ?? accountOfKey(key);
  accountsHere.set(name, account);
  signedHere.set(to0x(concatBytes(hash, signature)), account);
  return signature;
}

/** The account of a private key. */`,
  ],
];

/**
 * From here on it is known of each signature that this process makes whose it is: recovering that was most of what a seed
 * computes. Whatever else is shown as a signature is recovered as ever, so nothing passes that would not, and nothing comes
 * out otherwise.
 * @throws Error when the file does not have what is to be changed
 */
export function rememberSignatures(): void {
  let source = readFileSync(FILE, 'utf8');
  for (const [from, to] of CHANGES) {
    if (source.split(from).length !== 2) throw new Error(`${FILE} does not have "${from}" once: mend what is changed.`);
    source = source.replace(from, () => to);
  }
  const url = pathToFileURL(FILE).href;
  registerHooks({
    load: (asked, context, nextLoad) =>
      asked === url ? { format: 'module-typescript', source, shortCircuit: true } : nextLoad(asked, context),
  });
}
