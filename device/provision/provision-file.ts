import * as z from 'zod';
import { to0x } from '../../core/bytes.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { decodeDatasetName } from '../../core/charter/dataset-name.ts';
import type { Address, DatasetId, DatasetKey, PrivateKey } from '../../core/ids.ts';

const hexBytes = (size: number) =>
  z.string().regex(new RegExp(`^0x[0-9a-fA-F]{${2 * size}}$`), `must be 0x and ${2 * size} hex digits`);
const webUrl = z.string().max(2048).refine(isWebUrl, 'must be an http or https URL');
const serial = z.int('must be a whole number').min(1, 'must be at least 1').max(0xffff_ffff, 'must be below 2^32');

/** `device.json` (specification#files): the one file that a device needs. Mode 0600, as it holds two secrets. */
export const provisionFile = z.strictObject({
  rpcUrl: webUrl,
  chainId: z.int('must be a whole number').min(1, 'must be a positive number'),
  /** For a chain whose nodes have no `finalized` block: a block with so many above it counts as final. */
  finalDepth: z
    .int('must be a whole number')
    .min(0, 'must not be negative')
    .max(1_000_000, 'must be at most 1,000,000')
    .optional(),
  dissc: hexBytes(20),
  apiUrl: webUrl,
  dataset: hexBytes(32),
  owner: hexBytes(20),
  name: z.string('must be text'),
  kind: z.union([z.literal(0), z.literal(1), z.literal(2)], 'must be 0 (encrypted), 1 (plain) or 2 (attached)'),
  /** That of the first charter that names this device: the keys below follow from it. */
  serial,
  /** The newest charter that names this device, as far as owner, name, kind and device do not say it. */
  charter: z.strictObject({
    anchorer: hexBytes(20),
    serial,
    from: z.int('must be a whole number').min(0, 'must not be negative'),
    /** Null where the owner is a contract, whose charters stand on the chain only. */
    signature: hexBytes(65).nullable(),
  }),
  published: z.boolean('must be true or false'),
  datasetKey: hexBytes(32),
  devicePrivateKey: hexBytes(32),
});

/** What an owner hands to a device. */
export interface ProvisionContent {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly finalDepth?: number | undefined;
  readonly dissc: Address;
  readonly apiUrl: string;
  readonly dataset: DatasetId;
  /** Names the account of `devicePrivateKey` as its device. */
  readonly charter: SignedCharter;
  /** That of the first charter that names this device. */
  readonly serial: number;
  /** Whether the sealed digests go onto the chain too. */
  readonly published: boolean;
  readonly datasetKey: DatasetKey;
  readonly devicePrivateKey: PrivateKey;
}

/**
 * The text of a device's provision file, as `readProvision` takes it.
 * @example
 * await createSecretFile('device.json', encodeProvision({ ...connection, dataset, charter, serial, published, ...keys }));
 */
export function encodeProvision(content: ProvisionContent): string {
  const { rpcUrl, chainId, finalDepth, dissc, apiUrl, dataset, charter, serial, published } = content;
  const { owner, name, kind, anchorer, from, signature } = charter;
  const file: z.input<typeof provisionFile> = {
    rpcUrl,
    chainId,
    ...(finalDepth === undefined ? {} : { finalDepth }),
    dissc,
    apiUrl,
    dataset,
    owner,
    name: decodeDatasetName(name),
    kind,
    serial,
    charter: { anchorer, serial: charter.serial, from, signature: signature === null ? null : to0x(signature) },
    published,
    datasetKey: to0x(content.datasetKey),
    devicePrivateKey: to0x(content.devicePrivateKey),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function isWebUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol);
}
