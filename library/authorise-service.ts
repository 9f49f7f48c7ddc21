import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import type { BlockRange } from '../client/disowned-blocks.ts';
import { type Authorised, authoriseCss } from '../client/sale/authorise-css.ts';
import { encodeDatasetName } from '../core/charter/dataset-name.ts';
import { counted } from '../core/counted.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Address } from '../core/ids.ts';
import type { GrantTerms } from '../core/ports/grants.ts';
import type { Connection } from './connection.ts';
import type { DatasetEntry } from './dataset-list.ts';
import { openGranter, openGrants } from './open-contracts.ts';
import type { SenderHome } from './open-sender.ts';
import type { OpenedOwner } from './opened-owner.ts';

/** What `authorise` grants; the rest of a grant has defaults. */
export interface AuthoriseOptions {
  /** Account of the storage service. */
  readonly css: Address;
  /** Wei that the service earns for a record; 0 when absent. */
  readonly perRecordWei?: bigint;
  /** At most one record is paid for in so many seconds; each when absent. */
  readonly intervalSeconds?: number;
  /** Which blocks consumers may see, recorded already or not; all when absent. */
  readonly blocks?: BlockRange;
  /** Distinct blocks that the consumer of an agreement may see; all that numbers allow when absent. */
  readonly maxBlocks?: number;
  /** Whether for Protocol III; true when absent. */
  readonly digests?: boolean;
  /** Whether for Protocol IV; true when absent. */
  readonly wholeBlocks?: boolean;
  /** How long the service is still paid after a revocation, in seconds; a day when absent. */
  readonly windowSeconds?: number;
  /** Last second of the grant; a year from now when absent. */
  readonly untilSeconds?: number;
  /** Wei that the grant is filled up to, once accepted; 0 when absent. */
  readonly fuelWei?: bigint;
  /** How long to wait for the service to accept; a minute when absent. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

const DAY_SECONDS = 86_400;
/** All blocks that there will ever be, as far as numbers go. */
export const EVERY_BLOCK: BlockRange = { from: 0, to: Number.MAX_SAFE_INTEGER - 1 };
/** What a grant is where nothing else is said. */
export const GRANT_DEFAULTS = {
  perRecordWei: 0n,
  intervalSeconds: 0,
  blocks: EVERY_BLOCK,
  maxBlocks: 0xffff_ffff,
  digests: true,
  wholeBlocks: true,
  windowSeconds: DAY_SECONDS,
  fuelWei: 0n,
  waitMs: 60_000,
} as const satisfies Partial<AuthoriseOptions>;

/**
 * Looks at what ASC has no room for, before a key is opened for it.
 * @throws ArgumentError naming the value and the limit
 */
export function requireGrantable({ maxBlocks = 0, perRecordWei = 0n }: Omit<AuthoriseOptions, 'css'>): void {
  if (maxBlocks > GRANT_DEFAULTS.maxBlocks) {
    throw new ArgumentError(
      `The grant is for ${counted(maxBlocks, 'distinct block')}; at most ${GRANT_DEFAULTS.maxBlocks} fit. Give a lower number of blocks.`,
    );
  }
  if (perRecordWei >= 2n ** 96n) {
    throw new ArgumentError(
      `${perRecordWei} wei a record are too many: below 2^96 fit. Give a lower price of a record.`,
    );
  }
}

/**
 * Lets a storage service serve the consumers of a dataset, as the owner: proposes, waits until the service accepts, brings the
 * fuel. Called again, it goes on where it was; nothing is proposed or paid twice.
 * @throws ArgumentError for what ASC has no room for; FileError where the connection names no ASC; StateError when ASC refuses; LedgerUnavailableError without the chain
 */
export async function authoriseService(
  home: SenderHome,
  connection: Connection,
  opened: OpenedOwner,
  { dataset, name, kind }: Pick<DatasetEntry, 'dataset' | 'name' | 'kind'>,
  { signal, ...wishes }: AuthoriseOptions,
): Promise<Authorised> {
  const inAYear = Math.floor(nodeRuntime.nowMs() / 1000) + 365 * DAY_SECONDS;
  requireGrantable(wishes);
  const wanted = { ...GRANT_DEFAULTS, untilSeconds: inAYear, ...wishes };
  const { css, perRecordWei, intervalSeconds, blocks, maxBlocks, digests, wholeBlocks, fuelWei, waitMs } = wanted;
  const terms: GrantTerms = {
    ...{ dataset, css, perRecordWei, intervalSeconds, maxBlocks, digests, blocks: wholeBlocks },
    ...{ first: blocks.from, count: blocks.to - blocks.from + 1 },
    ...{ windowSeconds: wanted.windowSeconds, untilSeconds: wanted.untilSeconds },
  };
  const parts = {
    ...{ grants: openGrants(connection), party: openGranter(home, connection, opened) },
    ...{ fromBlock: connection.fromBlock, runtime: nodeRuntime },
  };
  return authoriseCss(parts, { name: encodeDatasetName(name), kind }, terms, { fuelWei, waitMs }, signal);
}
