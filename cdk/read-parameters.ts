import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { ArgumentError, FileError } from '../core/errors.ts';
import { inFile } from '../core/parse-outside.ts';
import { DEFAULT_KEEP_ROUNDS_DAYS, DEFAULT_ROUND_EVERY_MS } from '../core/rounds/cadence.ts';
import { deploymentsFile } from '../core/wire/deployments-file.ts';
import { anchorRow, httpRows, ingestSegmentRow, segmentRemovedRow } from '../functions/table.ts';

export type StageName = 'dev' | 'prod';

/** What the operator decides about a deployment. */
export interface Parameters {
  readonly stage: StageName;
  /** Begins every name: two deployments with different ones stand side by side in an account. */
  readonly prefix: string;
  /** What is there already and is used instead of being made; each null: made. */
  readonly existing: Existing;
  /** Null: functions run outside any network of the account. */
  readonly network: Network | null;
  /** Null: the API has the name that AWS gives it. */
  readonly domain: { readonly name: string; readonly certificateArn: string } | null;
  /** Bounds of single routes, by `METHOD /path` or by their function's name, instead of those of their kind of work. */
  readonly routeLimits: ReadonlyMap<string, RouteLimit>;
  readonly load: Load;
  /** The folder of built pages that are served beside the API; null for none. */
  readonly pages: string | null;
  /** Origins that the console may ask besides its own. */
  readonly pageOrigins: readonly string[];
  /** A node that the console asks where its reader names none; anyone may know its address. Null: the reader names one. */
  readonly pageRpcUrl: string | null;
  readonly rpcSecret: RpcSecret;
  readonly chainId: number;
  /** How deep a final block lies, for a chain whose nodes have no `finalized` block; null for all others. */
  readonly finalDepth: number | null;
  readonly contracts: { readonly dissc: string; readonly ocasc: string | null; readonly asc: string | null };
  /** Host names besides the API's own that requests may be addressed to. */
  readonly authorities: readonly string[];
  /** The account that grants of ASC are made out to: the relayer key's, known after the first deployment; null before. */
  readonly cssAccount: string | null;
  /** No event of the contracts is in an earlier block. */
  readonly fromBlock: number;
  /** A stored batch waits so long for others of its dataset before it is recorded. */
  readonly recordEveryMs: number;
  /** Rounds follow each other no faster. */
  readonly roundEveryMs: number;
  /** Null: every round stays provable for good. */
  readonly keepRoundsDays: number | null;
  readonly grants: {
    /** What a record must earn for a grant to be accepted. */
    readonly minPerRecordWei: string;
    /** Stored bytes of any owner with an accepted grant; null serves the owners in the table alone. */
    readonly openQuotaBytes: number | null;
  };
  /** An alarm tells when the relayer has less. */
  readonly lowBalanceGwei: number;
  /** Where Kubo's RPC is reached; null for none. */
  readonly kuboApiUrl: string | null;
  /** AWS accounts whose own roles may invoke the functions that the table lets be invoked. This account's always may. */
  readonly invokers: readonly string[];
  /** Who is told of alarms; null leaves it to whoever subscribes to the topic. */
  readonly alarmEmail: string | null;
}

/** Stores and a key that the account has already. The stack changes nothing of them. */
export interface Existing {
  readonly table: string | null;
  readonly bucket: string | null;
  /** ARN of a key in KMS, of kind ECC_SECG_P256K1. */
  readonly relayerKey: string | null;
}

/** Subnets from which the functions reach the chain, S3, DynamoDB, SQS, KMS and Secrets Manager. */
export interface Network {
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
}

export interface RouteLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** How much of the account the service may use at once. */
export interface Load {
  /** Invocations that the account may have at once, for everything. */
  readonly accountAtOnce: number;
  /** Of ingest-segment. */
  readonly ingestAtOnce: number;
  readonly ingestBatch: number;
  readonly ingestMemoryMb: number;
  readonly anchorMemoryMb: number;
}

/** Where the addresses of the chain's nodes are, which may hold keys of their hosts: never in the template. */
export interface RpcSecret {
  readonly arn: string;
  /** Null: the current one, whichever that is when a function starts. */
  readonly versionId: string | null;
}

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'is not an address (0x and 40 hexadecimal digits)')
  .transform((text) => text.toLowerCase());
const url = (protocols: RegExp) =>
  z
    .url({ protocol: protocols, error: 'is not a URL of http or https' })
    .refine((text) => !URL.canParse(text) || new URL(text).username === '', 'must not carry a user or password');
const count = z.coerce.number({ error: 'is not a number' }).int('is not a whole number').min(0, 'is below 0');
const listOf = (item: RegExp, otherwise: string) =>
  z
    .string()
    .transform((text) => text.split(',').filter((part) => part !== ''))
    .pipe(z.array(z.string().regex(item, otherwise)));

const memory = z.coerce
  .number({ error: 'is not a number' })
  .int('is not a whole number')
  .min(256, 'is below 256 MB')
  .max(10_240, 'is above 10,240 MB');

const context = z.object({
  stage: z.enum(['dev', 'prod'], { error: 'is dev or prod' }),
  prefix: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,18}[a-z0-9]$/, 'is not 2 to 20 lower-case letters, digits and hyphens, a letter first')
    .default('plumbline'),
  table: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{3,255}$/, 'is not the name of a table')
    .optional(),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'is not the name of a bucket')
    .optional(),
  relayerKey: z
    .string()
    .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/[A-Za-z0-9-]{36,64}$/, 'is not the ARN of a key in KMS')
    .optional(),
  subnets: listOf(/^subnet-[0-9a-f]{8,17}$/, 'is not a list of subnets (subnet-…) and commas').optional(),
  securityGroups: listOf(/^sg-[0-9a-f]{8,17}$/, 'is not a list of security groups (sg-…) and commas').optional(),
  domain: z
    .string()
    .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'is not a lower-case domain name')
    .optional(),
  certificate: z
    .string()
    .regex(
      /^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate\/[A-Za-z0-9-]{36,64}$/,
      'is not the ARN of a certificate in ACM',
    )
    .optional(),
  routeLimits: listOf(
    /^[a-z-]{3,40}=[0-9]{1,5}\/[0-9]{1,5}$/,
    'is not a list of FUNCTION=PER_SECOND/BURST and commas',
  ).default([]),
  pages: z.string().min(1, 'is not a folder').optional(),
  pageOrigins: listOf(
    /^https?:\/\/[a-z0-9.-]+(:\d{1,5})?$/,
    'is not a list of origins (https://host) and commas',
  ).default([]),
  pageRpcUrl: url(/^https$/).optional(),
  accountAtOnce: z.coerce
    .number({ error: 'is not a number' })
    .int('is not a whole number')
    .min(10, 'is below 10')
    .optional(),
  ingestAtOnce: z.coerce
    .number({ error: 'is not a number' })
    .int('is not a whole number')
    .min(2, 'is below 2, the least that SQS takes')
    .max(1_000, 'is above 1,000, the most that SQS takes')
    .optional(),
  ingestBatch: z.coerce
    .number({ error: 'is not a number' })
    .int('is not a whole number')
    .min(1, 'is below 1')
    .max(10, 'is above 10')
    .optional(),
  ingestMemoryMb: memory.optional(),
  anchorMemoryMb: memory.optional(),
  rpcSecret: z
    .string()
    .regex(
      /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$/,
      'is not the whole ARN of a secret in Secrets Manager (with the six characters at its end)',
    ),
  rpcSecretVersion: z
    .string()
    .regex(/^[A-Za-z0-9-]{32,64}$/, 'is not the id of a version of a secret')
    .optional(),
  chainId: z.coerce.number({ error: 'is not a number' }).int().min(1),
  finalDepth: count.optional(),
  /** File with the contracts' addresses; `deployments/<chainId>.json` unless DISSC's is given. */
  deployments: z.string().optional(),
  dissc: address.optional(),
  ocasc: address.optional(),
  asc: address.optional(),
  authorities: listOf(/^[a-z0-9.-]+(:\d{1,5})?$/, 'is not a list of lower-case host names and commas').default([]),
  cssAccount: address.optional(),
  fromBlock: count.optional(),
  recordEveryMs: count.default(0),
  /** 10 minutes. */
  roundEveryMs: count.default(DEFAULT_ROUND_EVERY_MS),
  /** 0: for good. */
  keepRoundsDays: count.default(DEFAULT_KEEP_ROUNDS_DAYS),
  /** 0.05 ether. */
  lowBalanceGwei: count.default(50_000_000),
  grantsMinPerRecordWei: z
    .string()
    .regex(/^[0-9]{1,30}$/, 'is not a whole number of wei')
    .default('0'),
  grantsOpenQuotaBytes: count.optional(),
  kuboApiUrl: url(/^https?$/).optional(),
  invokers: listOf(/^[0-9]{12}$/, 'is not a list of AWS account ids (12 digits) and commas').default([]),
  alarmEmail: z.email('is not an e-mail address').optional(),
});

/**
 * The parameters of a deployment from the CDK's context.
 * @throws ArgumentError naming the parameter, what is wrong, and how to give it; FileError naming the file of one
 */
export function readParameters(
  contextValue: (name: string) => unknown,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): Parameters {
  const given = Object.fromEntries(Object.keys(context.shape).map((name) => [name, contextValue(name) ?? undefined]));
  const parsed = context.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => explain(String(path[0]), given, message));
    throw new ArgumentError(lines.join('\n'));
  }
  const { stage, prefix, chainId, authorities, invokers, recordEveryMs, roundEveryMs, lowBalanceGwei } = parsed.data;
  return {
    ...{ stage, prefix, chainId, authorities, invokers, recordEveryMs, roundEveryMs, lowBalanceGwei },
    existing: {
      table: parsed.data.table ?? null,
      bucket: parsed.data.bucket ?? null,
      relayerKey: parsed.data.relayerKey ?? null,
    },
    network: networkOf(parsed.data),
    domain: domainOf(parsed.data),
    routeLimits: routeLimitsOf(parsed.data.routeLimits),
    load: loadOf(parsed.data),
    pages: parsed.data.pages ?? null,
    pageOrigins: parsed.data.pageOrigins,
    pageRpcUrl: parsed.data.pageRpcUrl ?? null,
    rpcSecret: { arn: parsed.data.rpcSecret, versionId: parsed.data.rpcSecretVersion ?? null },
    ...contractsOf(parsed.data, readFile),
    cssAccount: parsed.data.cssAccount ?? null,
    keepRoundsDays: parsed.data.keepRoundsDays === 0 ? null : parsed.data.keepRoundsDays,
    grants: {
      minPerRecordWei: parsed.data.grantsMinPerRecordWei,
      openQuotaBytes: parsed.data.grantsOpenQuotaBytes ?? null,
    },
    finalDepth: parsed.data.finalDepth ?? null,
    kuboApiUrl: parsed.data.kuboApiUrl ?? null,
    alarmEmail: parsed.data.alarmEmail ?? null,
  };
}

function explain(name: string, given: Record<string, unknown>, message: string): string {
  const value = given[name];
  // Never the value: it may be a secret that was given in the wrong place.
  return value === undefined
    ? `The parameter ${name} is missing. Give it with -c ${name}=...`
    : `The parameter ${name} ${message}. Give another with -c ${name}=...`;
}

type Given = z.output<typeof context>;

function networkOf({ subnets, securityGroups }: Given): Network | null {
  if (subnets === undefined && securityGroups === undefined) return null;
  if (!subnets?.length || !securityGroups?.length) {
    throw new ArgumentError(
      'A network needs both subnets and security groups. Give both -c subnets=... and -c securityGroups=...',
    );
  }
  return { subnets, securityGroups };
}

function domainOf({ domain, certificate }: Given): Parameters['domain'] {
  if (domain === undefined && certificate === undefined) return null;
  if (domain === undefined || certificate === undefined) {
    throw new ArgumentError(
      "A domain needs a certificate in ACM, in the deployment's region. Give both -c domain=... and -c certificate=ARN.",
    );
  }
  return { name: domain, certificateArn: certificate };
}

function routeLimitsOf(given: readonly string[]): ReadonlyMap<string, RouteLimit> {
  const limits = new Map<string, RouteLimit>();
  for (const text of given) {
    const [name = '', bounds = ''] = text.split('=');
    const [perSecond, burst] = bounds.split('/').map(Number) as [number, number];
    if (!Object.hasOwn(httpRows, name)) {
      const names = Object.keys(httpRows).join(', ');
      throw new ArgumentError(
        `The parameter routeLimits names ${name}, which has no route. Functions with one: ${names}.`,
      );
    }
    if (perSecond < 1 || burst < perSecond) {
      throw new ArgumentError(
        `The parameter routeLimits gives ${name} ${perSecond} a second and a burst of ${burst}. Give at least 1 a second, and a burst at least as large.`,
      );
    }
    limits.set(name, { perSecond, burst });
  }
  return limits;
}

/** What an account has that has not asked for more; what AWS gives to those it knows. */
const ACCOUNT_AT_ONCE: Readonly<Record<StageName, number>> = { dev: 10, prod: 1_000 };
/** One run of the anchor, one of the reconciliation, and two requests: else devices cannot upload while segments come in. */
const ROOM_AT_ONCE = 4;

function loadOf(given: Given): Load {
  const accountAtOnce = given.accountAtOnce ?? ACCOUNT_AT_ONCE[given.stage];
  const { queue } = ingestSegmentRow.trigger;
  const ingestAtOnce = given.ingestAtOnce ?? queue.atOnce;
  const removals = segmentRemovedRow.trigger.queue.atOnce;
  const most = accountAtOnce - removals - ROOM_AT_ONCE;
  if (ingestAtOnce > most) {
    throw new ArgumentError(
      `ingest-segment may run ${ingestAtOnce} times at once; ${most} leave room for ${removals} of segment-removed, the anchor, the reconciliation and uploads in an account with ${accountAtOnce}. Give less with -c ingestAtOnce=..., or, where AWS has given the account more, -c accountAtOnce=...`,
    );
  }
  return {
    accountAtOnce,
    ingestAtOnce,
    ingestBatch: given.ingestBatch ?? queue.batch,
    ingestMemoryMb: given.ingestMemoryMb ?? ingestSegmentRow.limits.memoryMb,
    anchorMemoryMb: given.anchorMemoryMb ?? anchorRow.limits.memoryMb,
  };
}

function contractsOf(given: Given, readFile: (path: string) => string): Pick<Parameters, 'contracts' | 'fromBlock'> {
  const { chainId, dissc, ocasc = null, asc = null } = given;
  if (dissc !== undefined && given.deployments === undefined) {
    return { contracts: { dissc, ocasc, asc }, fromBlock: given.fromBlock ?? 0 };
  }
  if (dissc !== undefined || ocasc !== null || asc !== null) {
    throw new ArgumentError(
      'Name the contracts either by a file or one by one. Give either -c deployments=... or -c dissc=...',
    );
  }
  const path = given.deployments ?? `deployments/${chainId}.json`;
  const remedy = 'Deploy the contracts with `plumb contracts deploy`, or give -c dissc=...';
  const text = readTextFile(path, readFile, remedy);
  const deployed = inFile(path, () => deploymentsFile.parse(JSON.parse(text)), remedy);
  if (deployed.chainId !== chainId) {
    throw new FileError(`${path} is for chain ${deployed.chainId}, but chainId is ${chainId}. Correct one of them.`);
  }
  const { DISSC, OCASC, ASC } = deployed.contracts;
  return {
    contracts: { dissc: DISSC.address, ocasc: OCASC.address, asc: ASC.address },
    fromBlock: given.fromBlock ?? Math.min(DISSC.block, OCASC.block, ASC.block),
  };
}

function readTextFile(path: string, readFile: (path: string) => string, remedy: string): string {
  try {
    return readFile(path);
  } catch (cause) {
    throw new FileError(`The file ${path} cannot be read. ${remedy}`, { cause });
  }
}
