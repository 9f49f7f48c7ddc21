import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { mnemonicSeed, ownerKey, signMessage } from '../../adapters/keys/mnemonic.ts';
import { openKeystore } from '../../adapters/keys/open-keystore.ts';
import { printable } from '../../client/printable.ts';
import type { RequestAccount } from '../../client/service/call-service.ts';
import { datasetOfCharter, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { FileError, KeyError } from '../../core/errors.ts';
import type { AuditKey, DatasetId, DatasetKey, PrivateKey } from '../../core/ids.ts';
import { deriveDatasetKey } from '../../core/keys.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type AuditedDataset, auditKeysOf, parseAuditorFile } from '../../core/wire/auditor-file.ts';
import { type DatasetEntry, parseDatasetsFile } from '../../core/wire/datasets-file.ts';
import { stackFile } from '../../core/wire/stack-file.ts';
import { readableName } from './dataset-names.ts';
import { type KnownReader, NOBODY } from './known-reader.ts';
import type { BucketAccess } from './presign-bucket.ts';

/** A file that the reader has chosen. */
export interface ChosenFile {
  readonly name: string;
  readonly text: string;
}

/** What the reader can do, from the files chosen. It lives in this worker alone, until the page is closed or they sign out. */
export interface ReaderKeys extends KnownReader {
  /** Signs requests: the owner, or an account of this moment. */
  readonly account: RequestAccount;
  readonly datasetKeyOf: (dataset: DatasetId) => (serial: number) => DatasetKey;
  /** An auditor's; null for an owner, who has more. */
  readonly auditKeyOf: ((dataset: DatasetId) => (serial: number) => AuditKey) | null;
  readonly signCharter: ((domain: DisscDomain, charter: SignedCharter) => Uint8Array) | null;
  /** The right to read the bucket, from a stack's file; null without. */
  readonly bucket: BucketAccess | null;
}

const NO_KEYS = 'This needs the keys of the owner. Sign in with the keystore.';

export function keysOfNobody(): ReaderKeys {
  return {
    ...NOBODY,
    account: momentaryAccount(),
    datasetKeyOf: refuseKeys,
    auditKeyOf: null,
    signCharter: null,
    bucket: null,
  };
}

/**
 * Opens what the files hold: a keystore with its password, or an auditor's file; besides them the list of datasets and a
 * stack's file.
 * @throws KeyError when the password is wrong; FileError when a file is not what it ought to be, or none opens anything
 */
export async function openReaderKeys(
  files: readonly ChosenFile[],
  password: string,
  domain: DisscDomain,
): Promise<ReaderKeys> {
  const found = sortChosen(files);
  const notes = found.others.map((name) => `${name} was ignored, because the console does not recognise it.`);
  const bucket = found.stack === null ? null : bucketOf(found.stack);
  if (found.keystore !== null) {
    const entries = found.datasets === null ? [] : parseDatasetsFile(found.datasets.text, found.datasets.name);
    requireOwnCharters(domain, entries, found.datasets?.name ?? '');
    const given = password === '' ? (found.password ?? '') : password;
    const { mnemonic } = await openKeystore(found.keystore.text, given, found.keystore.name);
    if (mnemonic === null) throw new FileError(`${found.keystore.name} holds no mnemonic, so it is not an owner's.`);
    return { ...ownerOf(mnemonic, entries, notes), bucket };
  }
  if (found.auditor !== null) {
    const { chainId, dissc, datasets } = parseAuditorFile(found.auditor.text, found.auditor.name);
    if (chainId !== domain.chainId || dissc !== domain.dissc) {
      throw new FileError(
        `${found.auditor.name} is about contract ${dissc} on chain ${chainId}; this page is about ${domain.dissc} on chain ${domain.chainId}.`,
      );
    }
    requireOwnCharters(domain, datasets, found.auditor.name);
    const renamed = datasets.flatMap((one) => renamedNote(one, found.auditor?.name ?? '') ?? []);
    return { ...auditorOf(datasets, [...notes, ...someOf(renamed)]), bucket };
  }
  throw new FileError('Choose keystore.json of an owner, or an auditor file. None of the chosen files is one.');
}

/** An id follows from what its charter says: a name under the id of another dataset would put its owner's word into another's mouth. */
function requireOwnCharters(
  domain: DisscDomain,
  entries: readonly { readonly dataset: DatasetId; readonly charters: readonly SignedCharter[] }[],
  file: string,
): void {
  for (const { dataset, charters } of entries) {
    if (charters.every((charter) => datasetOfCharter(domain, charter) === dataset)) continue;
    throw new FileError(
      `${file} lists dataset ${dataset} with the charter of another dataset or contract. Nothing of the file was opened. Ask whoever wrote it for a new one.`,
    );
  }
}

/** What an auditor is told where the file's name for a dataset is another than its owner's. */
function renamedNote({ name, charters: [first] }: AuditedDataset, file: string): string | null {
  const chartered = first === undefined ? null : readableName(first.name);
  if (chartered === null || chartered === name) return null;
  return `${printable(file)} calls a dataset “${printable(name)}”. Its owner named it “${printable(chartered)}” in its charter, so this page does.`;
}

const MOST_NOTES = 10;

function someOf(notes: readonly string[]): string[] {
  const more = notes.length - MOST_NOTES;
  return more <= 0 ? [...notes] : [...notes.slice(0, MOST_NOTES), `… and ${more} more names differ.`];
}

interface SortedFiles {
  readonly keystore: ChosenFile | null;
  readonly auditor: ChosenFile | null;
  readonly datasets: ChosenFile | null;
  readonly stack: ChosenFile | null;
  /** Of a file that is one, as `plumb try` keeps it; null without. */
  readonly password: string | null;
  readonly others: readonly string[];
}

/** Files are known by what is in them: names get lost. */
function sortChosen(files: readonly ChosenFile[]): SortedFiles {
  const kinds = files.map((file) => ({ file, kind: file.name === 'password' ? 'password' : kindOf(file.text) }));
  const first = (kind: string): ChosenFile | null => kinds.find((one) => one.kind === kind)?.file ?? null;
  return {
    ...{ keystore: first('keystore'), auditor: first('auditor'), datasets: first('datasets'), stack: first('stack') },
    password: first('password')?.text.trim() ?? null,
    others: kinds.filter(({ kind }) => kind === null).map(({ file }) => file.name),
  };
}

function kindOf(text: string): 'keystore' | 'auditor' | 'datasets' | 'stack' | null {
  try {
    const fields = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    if (typeof fields !== 'object' || fields === null) return null;
    if ('crypto' in fields || 'Crypto' in fields) return 'keystore';
    if ('s3SecretKey' in fields) return 'stack';
    if (!('datasets' in fields)) return null;
    return 'dissc' in fields ? 'auditor' : 'datasets';
  } catch {
    return null;
  }
}

function ownerOf(mnemonic: string, entries: readonly DatasetEntry[], notes: readonly string[]): ReaderKeys {
  const privateKey = ownerKey(mnemonic);
  const seed = mnemonicSeed(mnemonic);
  const address = accountOfKey(privateKey);
  const known = new Map<string, DatasetKey>();
  return {
    reader: { kind: 'owner', account: address, notes },
    account: { address, signMessage: (message) => signMessage(privateKey, message) },
    charters: new Map(entries.map(({ dataset, charters }) => [dataset, charters])),
    names: new Map(),
    datasetKeyOf: (dataset) => (serial) => {
      const name = `${dataset} ${serial}`;
      const key = known.get(name) ?? deriveDatasetKey(portablePrimitives, seed, dataset, serial);
      known.set(name, key);
      return key;
    },
    auditKeyOf: null,
    signCharter: (domain, charter) => signCharter(domain, charter, privateKey),
    bucket: null,
  };
}

function auditorOf(datasets: readonly AuditedDataset[], notes: readonly string[]): ReaderKeys {
  const byId = new Map(datasets.map((one) => [one.dataset, one]));
  return {
    reader: { kind: 'auditor', account: null, notes },
    account: momentaryAccount(),
    charters: new Map(datasets.map(({ dataset, charters }) => [dataset, charters])),
    names: new Map(datasets.map(({ dataset, name }) => [dataset, name])),
    datasetKeyOf: () => () => {
      throw new KeyError('An auditor has no content keys.');
    },
    auditKeyOf: (dataset) => {
      const audited = byId.get(dataset);
      if (audited === undefined) throw new KeyError('The auditor file does not name this dataset.');
      return auditKeysOf(audited);
    },
    signCharter: null,
    bucket: null,
  };
}

function bucketOf({ text, name }: ChosenFile): BucketAccess {
  const read = stackFile.safeParse(JSON.parse(text));
  if (!read.success) throw new FileError(`${name} is not a running stack's file.`);
  const { s3Endpoint, s3AccessKey, s3SecretKey, bucket } = read.data;
  return { endpoint: s3Endpoint, bucket, region: 'us-east-1', accessKeyId: s3AccessKey, secretAccessKey: s3SecretKey };
}

/** The service is asked for what is public alone: an account of this moment signs. */
function momentaryAccount(): RequestAccount {
  const key = portablePrimitives.randomBytes(32) as PrivateKey;
  return { address: accountOfKey(key), signMessage: (message) => signMessage(key, message) };
}

function refuseKeys(): never {
  throw new KeyError(NO_KEYS);
}
