import * as z from 'zod';
import { fromHex, to0x } from '../bytes.ts';
import type { SignedCharter } from '../charter/charter.ts';
import { charterFromWire, charterToWire } from '../charter/wire-charter.ts';
import { ArgumentError, KeyError } from '../errors.ts';
import { type Address, type AuditKey, address, type DatasetId } from '../ids.ts';
import { inFile } from '../parse-outside.ts';
import { wireCharter } from './requests.ts';

const bytes32 = z.string().regex(/^0x[0-9a-f]{64}$/);

const auditorFile = z.strictObject({
  v: z.literal(2),
  chainId: z.int().min(1),
  dissc: z.string().regex(/^0x[0-9a-f]{40}$/),
  datasets: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(32),
        dataset: bytes32,
        charters: z.array(wireCharter).min(1),
        /** By the serial of the device that sealed. */
        auditKeys: z.array(z.strictObject({ serial: z.int().min(1).max(0xffff_ffff), auditKey: bytes32 })).min(1),
      }),
    )
    .min(1)
    .max(100_000),
});

/** A dataset that somebody may verify, and not read. */
export interface AuditedDataset {
  readonly name: string;
  readonly dataset: DatasetId;
  readonly charters: readonly SignedCharter[];
  readonly auditKeys: readonly { readonly serial: number; readonly auditKey: AuditKey }[];
}

export interface AuditorFile {
  readonly chainId: number;
  readonly dissc: Address;
  readonly datasets: readonly AuditedDataset[];
}

/** What `plumb owner auditor` writes, and `plumb auditor` and the console read (specification#files). */
export function auditorFileText({ chainId, dissc, datasets }: AuditorFile): string {
  const file: z.infer<typeof auditorFile> = {
    v: 2,
    ...{ chainId, dissc },
    datasets: datasets.map(({ name, dataset, charters, auditKeys }) => ({
      ...{ name, dataset, charters: charters.map(charterToWire) },
      auditKeys: auditKeys.map(({ serial, auditKey }) => ({ serial, auditKey: to0x(auditKey) })),
    })),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * Reads an auditor's file.
 * @param where the file, for errors
 * @throws FileError when it is malformed
 */
export function parseAuditorFile(text: string, where: string): AuditorFile {
  return inFile(where, () => {
    const { chainId, dissc, datasets } = auditorFile.parse(JSON.parse(text));
    return {
      ...{ chainId, dissc: address(dissc) },
      datasets: datasets.map(({ name, dataset, charters, auditKeys }) => ({
        ...{ name, dataset: dataset as DatasetId, charters: charters.map(charterFromWire) },
        auditKeys: auditKeys.map(({ serial, auditKey }) => ({ serial, auditKey: fromHex(auditKey) as AuditKey })),
      })),
    };
  });
}

/** The dataset of this name or id. @throws ArgumentError when the file has none, or two */
export function auditedDataset({ datasets }: AuditorFile, nameOrId: string): AuditedDataset {
  const [found, other] = datasets.filter(({ name, dataset }) => name === nameOrId || dataset === nameOrId);
  if (found !== undefined && other === undefined) return found;
  const known = datasets.map(({ name, dataset }) => `${name} (${dataset})`).join(', ');
  throw new ArgumentError(
    `${found === undefined ? 'The auditor file has no' : 'The auditor file has more than one'} dataset ${nameOrId}. It has ${known}.`,
  );
}

/** @throws KeyError for a device that came after the file was written */
export function auditKeysOf({ name, auditKeys }: AuditedDataset): (serial: number) => AuditKey {
  const bySerial = new Map(auditKeys.map(({ serial, auditKey }) => [serial, auditKey]));
  return (serial) => {
    const key = bySerial.get(serial);
    if (key !== undefined) return key;
    throw new KeyError(
      `The auditor file has no key for device ${serial} of ${name}. If the owner uses that device, ask for a new file.`,
    );
  };
}
