import { Refusal } from './refusal.ts';

/** The one member of a Signature-Input field, parsed. */
export interface SignatureInput {
  label: string;
  components: readonly string[];
  createdSec: number;
  expiresSec: number;
  chainId: number;
  /** Lower case, with 0x. */
  address: string;
  nonce: string;
  /** The member's value as it was sent, which is its canonical form: what `@signature-params` stands for. */
  paramsValue: string;
}

const MAX_SIGNATURE_INPUT_CHARS = 2_048;
const MAX_COMPONENTS = 16;
const NONCE_CHARS = { min: 8, max: 64 } as const;

// The canonical serialisation of RFC 8941 only: one space between items, none around ';' and '='. Escapes in strings
// are left out, as no component, key id or nonce needs one, and with them one value would have two spellings.
const KEY = '[a-z*][a-z0-9_.*-]*';
const STRING = '"[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]*"';
const INTEGER = '(?:0|[1-9][0-9]{0,14})';
const MEMBER = new RegExp(`^(${KEY})=(\\(((?:${STRING}(?: ${STRING})*)?)\\)((?:;${KEY}=(?:${STRING}|${INTEGER}))*))$`);
const PARAMETER = new RegExp(`;(${KEY})=(${STRING}|${INTEGER})`, 'g');
const KEY_ID = /^erc8128:([1-9][0-9]{0,14}):(0x[0-9a-fA-F]{40})$/;
const NONCE = /^[\x21-\x7e]+$/;
// `alg` is not among them: the key id decides how a signature is made (ERC-8128).
const KNOWN = new Set(['created', 'expires', 'nonce', 'keyid', 'tag']);

/**
 * Parses a Signature-Input field (RFC 9421 §4.1) that holds exactly one signature in the ERC-8128 profile.
 * @throws Refusal `malformed` for anything else.
 */
export function parseSignatureInput(field: string): SignatureInput {
  if (field.length > MAX_SIGNATURE_INPUT_CHARS) {
    throw malformed(`Signature-Input has ${field.length} characters; at most ${MAX_SIGNATURE_INPUT_CHARS} are read.`);
  }
  const [, label, paramsValue, items, parameters] = MEMBER.exec(field) ?? [];
  if (label === undefined || paramsValue === undefined || items === undefined || parameters === undefined) {
    throw malformed('Signature-Input must hold exactly one signature, in the canonical form of RFC 8941.');
  }
  const read = readParameters(parameters);
  const [, chainId, address] = KEY_ID.exec(stringOf(read, 'keyid')) ?? [];
  if (chainId === undefined || address === undefined) {
    throw malformed('keyid must be "erc8128:<chain id>:<0x address>".');
  }
  return {
    label,
    components: readComponents(items),
    createdSec: integerOf(read, 'created'),
    expiresSec: integerOf(read, 'expires'),
    chainId: Number(chainId),
    address: address.toLowerCase(),
    nonce: readNonce(read),
    paramsValue,
  };
}

function readComponents(items: string): string[] {
  const components = [...items.matchAll(/"([^"]*)"/g)].map(([, name]) => name as string);
  if (components.length > MAX_COMPONENTS) {
    throw malformed(`${components.length} components are covered; at most ${MAX_COMPONENTS} are read.`);
  }
  if (new Set(components).size !== components.length) throw malformed('A covered component is named twice.');
  return components;
}

function readParameters(parameters: string): Map<string, string | number> {
  const read = new Map<string, string | number>();
  for (const [, key = '', value = ''] of parameters.matchAll(PARAMETER)) {
    if (read.has(key)) throw malformed('A signature parameter is given twice.');
    if (!KNOWN.has(key)) throw malformed(`Only the signature parameters ${[...KNOWN].join(', ')} are understood.`);
    read.set(key, value.startsWith('"') ? value.slice(1, -1) : Number(value));
  }
  return read;
}

function readNonce(read: ReadonlyMap<string, string | number>): string {
  const nonce = stringOf(read, 'nonce');
  if (nonce.length < NONCE_CHARS.min || nonce.length > NONCE_CHARS.max || !NONCE.test(nonce)) {
    throw malformed(`The nonce must have ${NONCE_CHARS.min} to ${NONCE_CHARS.max} characters and no spaces.`);
  }
  return nonce;
}

function stringOf(read: ReadonlyMap<string, string | number>, key: string): string {
  const value = read.get(key);
  if (typeof value !== 'string') throw malformed(`The signature parameter ${key} is missing or not a string.`);
  return value;
}

function integerOf(read: ReadonlyMap<string, string | number>, key: string): number {
  const value = read.get(key);
  if (typeof value !== 'number') throw malformed(`The signature parameter ${key} is missing or not an integer.`);
  return value;
}

function malformed(detail: string): Refusal {
  return new Refusal('malformed', detail);
}
