import type * as z from 'zod';
import { readSecretFileSync } from '../../adapters/keys/secret-file.ts';
import { fromHex } from '../../core/bytes.ts';
import { datasetOfCharter, requireCharterSignature, type SignedCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { type ErrorOptions, PlumblineError } from '../../core/errors.ts';
import type { Address, DatasetId, DatasetKey, PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type ProvisionContent, provisionFile } from './provision-file.ts';

/** What the owner's `device provision` hands to a device (specification#files, `device.json`), checked. */
export interface Provision extends ProvisionContent {
  /** The account of `devicePrivateKey`, which the charter names. */
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

/** The file is there, and cannot be read now: the disk or the system does not let it. It may be well again by itself. */
export class ProvisionUnavailableError extends PlumblineError {
  override readonly name = 'ProvisionUnavailableError';
  readonly kind = 'unavailable';
}

const MAX_PROVISION_BYTES = 64 * 1024;
/** What the system says of what may pass: a disk that fails, a share that is away, too many open files. */
const PASSING: ReadonlySet<string> = new Set([
  ...['EIO', 'EAGAIN', 'EBUSY', 'EINTR', 'EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE', 'ETIMEDOUT', 'EHOSTDOWN', 'ENOTCONN'],
]);

/**
 * Reads a device's provision file. It holds two secrets, so it must be a plain file that nobody but this user can read.
 * @throws ProvisionError
 * @throws ProvisionUnavailableError when it cannot be read now: try again
 */
export function readProvision(path: string): Provision {
  // Editors of some systems begin a file with a byte order mark.
  const text = readText(path).replace(/^\uFEFF/, '');
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
 * Checks what a provision file says: each field, that the dataset's id follows from owner, name and kind, and that the
 * charter names this device and carries the owner's signature.
 * @param what the file, as an error is to name it
 * @throws ProvisionError naming the field, never its value
 */
export function parseProvision(value: unknown, what = 'the provision'): Provision {
  const parsed = provisionFile.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    const field = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].join('.');
    const problem = unknown === undefined ? describeIssue(value, field, issue?.message) : 'is unknown';
    throw new ProvisionError(`The ${field === '' ? 'content' : `field ${field}`} of ${what} ${problem}.`, field);
  }
  const file = parsed.data;
  const devicePrivateKey = fromHex(file.devicePrivateKey, 'field devicePrivateKey', 32) as PrivateKey;
  const account = inField('devicePrivateKey', what, 'is not a secp256k1 key', () => accountOfKey(devicePrivateKey));
  const domain = { chainId: file.chainId, dissc: file.dissc.toLowerCase() as Address };
  const dataset = file.dataset.toLowerCase() as DatasetId;
  return {
    ...domain,
    rpcUrl: file.rpcUrl,
    ...(file.finalDepth === undefined ? {} : { finalDepth: file.finalDepth }),
    apiUrl: file.apiUrl,
    dataset,
    charter: requireOwnCharter(domain, dataset, charterOf(file, account, what), what),
    serial: file.serial,
    published: file.published,
    datasetKey: fromHex(file.datasetKey, 'field datasetKey', 32) as DatasetKey,
    devicePrivateKey,
    account,
  };
}

function charterOf(file: z.output<typeof provisionFile>, device: Address, what: string): SignedCharter {
  const { anchorer, serial, from, signature } = file.charter;
  if (file.serial > serial) {
    throw new ProvisionError(
      `The field serial of ${what} is higher than the charter's: it is that of the first charter that names the device.`,
      'serial',
    );
  }
  return {
    owner: file.owner.toLowerCase() as Address,
    name: inField('name', what, 'is not 1 to 32 bytes of UTF-8 without NUL', () => encodeDatasetName(file.name)),
    kind: file.kind,
    device,
    anchorer: anchorer.toLowerCase() as Address,
    serial,
    from,
    signature: signature === null ? null : fromHex(signature, 'field charter.signature', 65),
  };
}

function requireOwnCharter(
  domain: DisscDomain,
  dataset: DatasetId,
  charter: SignedCharter,
  what: string,
): SignedCharter {
  if (datasetOfCharter(domain, charter) !== dataset) {
    throw new ProvisionError(
      `The field dataset of ${what} does not follow from chainId, dissc, owner, name and kind. Provision the device again.`,
      'dataset',
    );
  }
  if (charter.signature !== null) {
    // The signature covers the device's account: that of another device does not recover to the owner.
    inField('charter.signature', what, "is not the owner's for this device and this charter", () =>
      requireCharterSignature(domain, charter),
    );
  }
  return charter;
}

/** Runs a check of one field. What it says of the value is not repeated, as most are secret. */
function inField<T>(field: string, what: string, problem: string, check: () => T): T {
  try {
    return check();
  } catch {
    throw new ProvisionError(`The field ${field} of ${what} ${problem}.`, field);
  }
}

function describeIssue(value: unknown, field: string, message: string | undefined): string {
  if (field !== '' && isMissing(value, field.split('.'))) return 'is missing';
  return message?.startsWith('must ') === true ? message : 'has the wrong type';
}

function isMissing(value: unknown, path: readonly string[]): boolean {
  const [field, ...rest] = path;
  if (field === undefined || value === null || typeof value !== 'object') return false;
  if (!Object.hasOwn(value, field)) return true;
  return isMissing((value as Record<string, unknown>)[field], rest);
}

function readText(path: string): string {
  try {
    return readSecretFileSync(path, MAX_PROVISION_BYTES);
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    const code = (cause.cause as NodeJS.ErrnoException | undefined)?.code ?? '';
    if (PASSING.has(code)) {
      throw new ProvisionUnavailableError(`The provision file ${path} cannot be read (${code}). Check its disk.`, {
        cause,
      });
    }
    throw new ProvisionError(`The provision file cannot be opened. ${cause.shortMessage}`, 'file', { cause });
  }
}
