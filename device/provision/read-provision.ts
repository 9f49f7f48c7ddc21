import * as z from 'zod';
import { readSecretFileSync } from '../../adapters/keys/secret-file.ts';
import { fromHex } from '../../core/bytes.ts';
import { type ErrorOptions, PlumblineError } from '../../core/errors.ts';
import type { Address, DatasetId, DatasetKey, PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';

/** What the owner's `device provision` hands to a device (design §11, `device.json`). */
export interface Provision {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly dissc: Address;
  readonly apiUrl: string;
  readonly dataset: DatasetId;
  readonly plain: boolean;
  readonly published: boolean;
  readonly datasetKey: DatasetKey;
  readonly devicePrivateKey: PrivateKey;
  /** The account of `devicePrivateKey`. */
  readonly account: Address;
}

/** A provision file cannot be used. `field` names what is wrong; no value is ever repeated, as most are secret. */
export class ProvisionError extends PlumblineError {
  override readonly name = 'ProvisionError';
  readonly kind = 'file';
  readonly field: string;

  constructor(shortMessage: string, field: string, options: ErrorOptions = {}) {
    super(shortMessage, { ...options, details: { ...options.details, field } });
    this.field = field;
  }
}

const MAX_PROVISION_BYTES = 64 * 1024;

const hexBytes = (size: number) =>
  z.string().regex(new RegExp(`^0x[0-9a-fA-F]{${2 * size}}$`), `must be 0x and ${2 * size} hex digits`);
const webUrl = z.string().max(2048).refine(isWebUrl, 'must be an http or https URL');

const provisionFile = z.strictObject({
  rpcUrl: webUrl,
  chainId: z.int('must be a whole number').min(1, 'must be a positive number'),
  dissc: hexBytes(20),
  apiUrl: webUrl,
  dataset: hexBytes(32),
  plain: z.boolean('must be true or false'),
  published: z.boolean('must be true or false'),
  datasetKey: hexBytes(32),
  devicePrivateKey: hexBytes(32),
});

/**
 * Reads a device's provision file. It holds two secrets, so it must be a plain file that nobody but this user can read.
 * @throws ProvisionError
 */
export function readProvision(path: string): Provision {
  const text = readText(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, and with it perhaps a key.
    throw new ProvisionError(`The provision file ${path} is not JSON. Provision the device again.`, 'file');
  }
  return parseProvision(value, `the provision file ${path}`);
}

/**
 * Checks what a provision file says.
 * @param what the file, as an error is to name it
 * @throws ProvisionError naming the field, never its value
 */
export function parseProvision(value: unknown, what = 'the provision'): Provision {
  const parsed = provisionFile.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    const field = unknown ?? issue?.path.join('.') ?? '';
    const problem = unknown === undefined ? describeIssue(value, field, issue?.message) : 'is unknown';
    throw new ProvisionError(`The ${field === '' ? 'content' : `field ${field}`} of ${what} ${problem}.`, field);
  }
  const file = parsed.data;
  const devicePrivateKey = fromHex(file.devicePrivateKey, 'field devicePrivateKey', 32) as PrivateKey;
  let account: Address;
  try {
    account = accountOfKey(devicePrivateKey);
  } catch {
    throw new ProvisionError(`The field devicePrivateKey of ${what} is not a secp256k1 key.`, 'devicePrivateKey');
  }
  return {
    rpcUrl: file.rpcUrl,
    chainId: file.chainId,
    dissc: file.dissc.toLowerCase() as Address,
    apiUrl: file.apiUrl,
    dataset: file.dataset.toLowerCase() as DatasetId,
    plain: file.plain,
    published: file.published,
    datasetKey: fromHex(file.datasetKey, 'field datasetKey', 32) as DatasetKey,
    devicePrivateKey,
    account,
  };
}

function describeIssue(value: unknown, field: string, message: string | undefined): string {
  const missing = value !== null && typeof value === 'object' && field !== '' && !Object.hasOwn(value, field);
  if (missing) return 'is missing';
  return message?.startsWith('must ') === true ? message : 'has the wrong type';
}

function isWebUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol);
}

function readText(path: string): string {
  try {
    return readSecretFileSync(path, MAX_PROVISION_BYTES);
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    throw new ProvisionError(`The provision file cannot be opened. ${cause.shortMessage}`, 'file', { cause });
  }
}
