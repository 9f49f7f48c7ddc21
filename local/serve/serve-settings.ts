import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { FileError, StateError } from '../../core/errors.ts';
import { type Address, address } from '../../core/ids.ts';
import { inFile } from '../../core/parse-outside.ts';
import { DEFAULT_KEEP_ROUNDS_DAYS, MOST_KEEP_ROUNDS_DAYS } from '../../core/rounds/cadence.ts';
import { deploymentsFile } from '../../core/wire/deployments-file.ts';
import type { GrantPolicy } from '../../functions/ports.ts';
import { isLoopback } from '../host/addresses.ts';
import { readPublicFile } from './read-public-file.ts';

/** What a service on a machine of one's own is told: each by a file, or by the environment. docs/serve.md lists them. */
export interface ServeSettings {
  readonly listen: ListenAddress;
  /** Names that requests may be addressed to, besides the address itself where that is of loopback; lower case. */
  readonly authorities: readonly string[];
  readonly chain: {
    readonly rpcUrl: string;
    readonly moreRpcUrls: readonly string[];
    readonly chainId: number;
    readonly finalDepth: number | undefined;
  };
  readonly contracts: {
    readonly dissc: Address;
    readonly ocasc: Address | null;
    readonly asc: Address | null;
    readonly fromBlock: number;
  };
  /** Of bucket and table. */
  readonly region: string;
  readonly objects: {
    readonly bucket: string;
    readonly endpoint: string | null;
    /** Where devices and owners reach it; presigned addresses name it. */
    readonly publicEndpoint: string | null;
  };
  readonly table: { readonly name: string; readonly endpoint: string | null };
  readonly relayer: RelayerKey;
  readonly ipfsApi: string | null;
  readonly recordEveryMs: number;
  readonly roundEveryMs: number;
  /** So long every round stays provable, and of older ones the last of each day; 0: for good. */
  readonly keepRoundsDays: number;
  readonly grants: GrantPolicy;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** The key that records and pays. */
export type RelayerKey =
  | { readonly keystore: string; readonly passwordFile: string }
  | { readonly keyId: string; readonly region: string; readonly endpoint: string | null };

const addressText = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const url = z.url({ protocol: /^https?$/ }).max(2_000);
const text = z.string().min(1).max(1_000);
const whole = z
  .union([z.int(), z.string().regex(/^[0-9]{1,15}$/)])
  .transform(Number)
  .pipe(z.int().min(0));
const wei = z.union([z.int().min(0), z.string().regex(/^[0-9]{1,30}$/)]).transform(BigInt);
/** A list; one text with commas in the environment. */
const listOf = <T extends z.ZodType<string>>(one: T) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value),
    z.array(one).min(1).max(16),
  );
// Host names as they stand in a request's Host: in lower case, with the port where it is not the default one.
const authority = z.string().regex(/^(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/);

const fields = {
  listen: z.string().default('127.0.0.1:8080'),
  authorities: listOf(authority).optional(),
  rpcUrls: listOf(url),
  chainId: whole.pipe(z.int().min(1)),
  finalDepth: whole.pipe(z.int().max(1_000_000)).optional(),
  deployments: text.optional(),
  dissc: addressText.optional(),
  ocasc: addressText.optional(),
  asc: addressText.optional(),
  fromBlock: whole.optional(),
  region: text.default('us-east-1'),
  bucket: z.string().min(3).max(63),
  s3Endpoint: url.optional(),
  s3PublicEndpoint: url.optional(),
  table: text.default('plumbline'),
  tableEndpoint: url.optional(),
  keystore: text.optional(),
  keystorePasswordFile: text.optional(),
  relayerKeyId: text.optional(),
  kmsRegion: text.optional(),
  kmsEndpoint: url.optional(),
  ipfsApi: url.optional(),
  recordEveryMs: whole.default(0),
  roundEveryMs: whole.default(0),
  keepRoundsDays: whole.pipe(z.int().max(MOST_KEEP_ROUNDS_DAYS)).default(DEFAULT_KEEP_ROUNDS_DAYS),
  grantsMinPerRecordWei: wei.default(0n),
  grantsOpenQuotaBytes: whole.optional(),
} as const;
const settingsFile = z.strictObject(fields);
type Fields = z.infer<typeof settingsFile>;

/** The variable of the environment that has a setting: `rpcUrls` is `PLUMBLINE_RPC_URLS`. */
export const variableOf = (name: string): string =>
  `PLUMBLINE_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** By the name of its variable, each setting. */
export const SERVE_VARIABLES: ReadonlyMap<string, keyof Fields> = new Map(
  (Object.keys(fields) as (keyof Fields)[]).map((name) => [variableOf(name), name]),
);

/**
 * The settings of a file, each of which a variable of the environment replaces. Paths in the file begin at its folder, paths in
 * the environment at the working folder. A file must be private: addresses of nodes are secrets.
 * @param path of the file; null where the environment has all
 * @throws FileError naming the setting that is malformed, StateError naming those that are missing or contradict each other; never
 * a value
 */
export async function readServeSettings(
  path: string | null,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ServeSettings> {
  const inside = path === null ? {} : await readSettingsFile(path);
  const folder = path === null ? '.' : dirname(resolve(path));
  const given: Record<string, unknown> = { ...inside };
  for (const name of PATHS) if (typeof inside[name] === 'string') given[name] = resolve(folder, inside[name]);
  for (const [variable, name] of SERVE_VARIABLES) {
    const value = environment[variable];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = settingsFile.safeParse(given);
  if (parsed.success) return compose(parsed.data);
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0] ?? (issue as { keys?: string[] } | undefined)?.keys?.[0] ?? '');
  const where = `${path === null ? '' : `${name} in ${path}, or `}${variableOf(name)} in the environment`;
  if (issue?.code === 'unrecognized_keys') {
    throw new FileError(`${path} has ${name}, which is not a setting. docs/serve.md lists the settings.`);
  }
  if (given[name] === undefined) throw new StateError(`A setting is missing. Give ${where}. See docs/serve.md.`);
  throw new FileError(`A setting is malformed. Correct ${where}. See docs/serve.md.`);
}

const PATHS = ['deployments', 'keystore', 'keystorePasswordFile'] as const;

async function readSettingsFile(path: string): Promise<Record<string, unknown>> {
  const content = await readSecretFile(path);
  return inFile(path, () => z.record(z.string(), z.unknown()).parse(JSON.parse(content)));
}

function compose(given: Fields): ServeSettings {
  const { rpcUrls, region, grantsOpenQuotaBytes } = given;
  const listen = parseListen(given.listen);
  if (given.authorities === undefined && !isLoopback(listen.host)) {
    throw new StateError(
      `${given.listen} can be reached from other machines. Give the names by which they reach this service: ${variableOf('authorities')}=plumb.example,192.168.1.5:8080 (or authorities in the file).`,
    );
  }
  return {
    listen,
    authorities: given.authorities ?? [],
    chain: {
      rpcUrl: rpcUrls[0] as string,
      moreRpcUrls: rpcUrls.slice(1),
      chainId: given.chainId,
      finalDepth: given.finalDepth,
    },
    contracts: contractsOf(given),
    region,
    objects: {
      bucket: given.bucket,
      endpoint: given.s3Endpoint ?? null,
      publicEndpoint: given.s3PublicEndpoint ?? null,
    },
    table: { name: given.table, endpoint: given.tableEndpoint ?? null },
    relayer: relayerOf(given),
    ipfsApi: given.ipfsApi ?? null,
    recordEveryMs: given.recordEveryMs,
    roundEveryMs: given.roundEveryMs,
    keepRoundsDays: given.keepRoundsDays,
    grants: { minPerRecordWei: given.grantsMinPerRecordWei, openQuotaBytes: grantsOpenQuotaBytes ?? null },
  };
}

/** `127.0.0.1:8080`, `[::1]:8080`, `0.0.0.0:8080`. */
export function parseListen(given: string): ListenAddress {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(given) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) {
    throw new StateError(
      `"${given.slice(0, 80)}" is not an address to listen on. Give ADDRESS:PORT, such as 0.0.0.0:8080.`,
    );
  }
  return { host, port: Number(port) };
}

function contractsOf({ deployments, dissc, ocasc, asc, fromBlock, chainId }: Fields): ServeSettings['contracts'] {
  if (deployments !== undefined) {
    if ([dissc, ocasc, asc, fromBlock].some((one) => one !== undefined)) {
      throw new StateError(
        'The settings name both deployments and single contracts. Leave out dissc, ocasc, asc, fromBlock.',
      );
    }
    const named = inFile(deployments, () => deploymentsFile.parse(JSON.parse(readPublicFile(deployments))));
    if (named.chainId !== chainId) {
      throw new FileError(`${deployments} is for chain ${named.chainId}, but the settings are for chain ${chainId}.`);
    }
    const { DISSC, OCASC, ASC } = named.contracts;
    return {
      ...{ dissc: address(DISSC.address), ocasc: address(OCASC.address), asc: address(ASC.address) },
      fromBlock: DISSC.block,
    };
  }
  if (dissc === undefined) {
    throw new StateError(
      `The settings do not name the contracts. Give ${variableOf('deployments')}, a file that plumb contracts deploy wrote, or ${variableOf('dissc')}.`,
    );
  }
  const orNull = (hex: string | undefined): Address | null => (hex === undefined ? null : address(hex));
  return { dissc: address(dissc), ocasc: orNull(ocasc), asc: orNull(asc), fromBlock: fromBlock ?? 0 };
}

function relayerOf({
  keystore,
  keystorePasswordFile,
  relayerKeyId,
  kmsRegion,
  kmsEndpoint,
  region,
}: Fields): RelayerKey {
  if (keystore !== undefined && relayerKeyId !== undefined) {
    throw new StateError('The settings name two keys for recording, keystore and relayerKeyId. Leave one out.');
  }
  if (relayerKeyId !== undefined) {
    return { keyId: relayerKeyId, region: kmsRegion ?? region, endpoint: kmsEndpoint ?? null };
  }
  if (keystore === undefined || keystorePasswordFile === undefined) {
    throw new StateError(
      `The settings do not name a key for recording. Give ${variableOf('keystore')} and ${variableOf('keystorePasswordFile')} (plumb service key makes both), or ${variableOf('relayerKeyId')} for a key in AWS KMS.`,
    );
  }
  return { keystore: resolve(keystore), passwordFile: resolve(keystorePasswordFile) };
}
