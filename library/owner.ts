import { resolve } from 'node:path';
import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import { downloadPresigned } from '../adapters/service/download-presigned.ts';
import type { BlockRange } from '../client/disowned-blocks.ts';
import { sourceOfService } from '../client/owner/block-source.ts';
import { findCharters } from '../client/owner/find-charters.ts';
import { type GetPlan, getRange } from '../client/owner/get-range.ts';
import type { GotBlock } from '../client/owner/judge-stored.ts';
import { type PublishedBatch, publishBatches } from '../client/owner/publish-batches.ts';
import { type Restored, restoreFiles } from '../client/restore/restore-files.ts';
import { openRestoredFolder, type RestoreAs } from '../client/restore/restored-folder.ts';
import { type Authorised, authoriseCss } from '../client/sale/authorise-css.ts';
import { checkServable, type MadeOffer, offerBlocks, requireOfferable } from '../client/sale/offer-blocks.ts';
import type { SignedCharter } from '../core/charter/charter.ts';
import { encodeDatasetName } from '../core/charter/dataset-name.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Address } from '../core/ids.ts';
import { deriveAgentSecrets } from '../core/keys.ts';
import type { GrantTerms } from '../core/ports/grants.ts';
import type { Anchor } from '../core/ports/ledger.ts';
import { DEFAULT_SAMPLE } from '../core/sampling/confidence.ts';
import { accountOfKey } from '../core/typed-data.ts';
import { type Connection, openBucket, openLedger, openService } from './connection.ts';
import { type DatasetEntry, entryOf, pickEntry, readDatasets } from './dataset-list.ts';
import { fetchManifest } from './fetch-manifest.ts';
import { type OfferTerms, termsOf } from './offer-terms.ts';
import { openGranter, openGrants, openMarket, openParty } from './open-contracts.ts';
import { openRounds } from './open-rounds.ts';
import { datasetKeyOf, type OpenedOwner } from './opened-owner.ts';
import { type KeyOptions, openConnection, openKeys, senderHomeOf, type WhereOptions } from './program-parts.ts';
import { Verification } from './verification.ts';
import { verifyStored } from './verify-stored.ts';
import { type WayOptions, wantedWay } from './verify-way.ts';

/** What an owner is opened with. */
export type OwnerOptions = WhereOptions & KeyOptions;

/** Which blocks are verified, and how. */
export interface OwnerVerifyOptions extends Partial<WayOptions> {
  /** Blocks chosen at random: how many, or `true` for 460. All when absent. */
  readonly sample?: number | true;
  /** Blocks from … to, both inclusive. All when absent. */
  readonly blocks?: BlockRange;
  /** The damaged fraction that the confidence is stated for; 0.01 when absent. */
  readonly fraction?: number;
  /** The chain state to check against; `final` when absent. */
  readonly anchor?: Anchor;
  readonly signal?: AbortSignal;
}

/** What is brought back: by numbers, by capture times, or all. */
export interface GetOptions {
  /** Blocks from … to, both inclusive. */
  readonly blocks?: BlockRange;
  /** Capture times in ms since 1970, both inclusive. */
  readonly times?: BlockRange;
  readonly anchor?: Anchor;
  /** Told what the range is before the first block comes. */
  readonly onPlan?: (plan: GetPlan) => void;
  readonly signal?: AbortSignal;
}

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
  /** How long the service is waited for; a minute when absent. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

const DAY_SECONDS = 86_400;
const MAX_DISTINCT_BLOCKS = 0xffff_ffff;
/** All blocks that there will ever be, as far as numbers go. */
const EVERY_BLOCK: BlockRange = { from: 0, to: Number.MAX_SAFE_INTEGER - 1 };

/**
 * An owner of datasets. Nothing that storage or service say is believed: verdicts rest on the chain, read through the
 * connection's RPC.
 *
 * @example
 * const owner = await Owner.open({ stack, home, password });
 * const report = await owner.verify('weather', { sample: true });
 * console.log(`${report.counts.intact} of ${report.checked} checked blocks are intact`);
 */
export class Owner {
  /** The owner's account. */
  readonly account: Address;
  readonly #opened: OpenedOwner;
  readonly #connection: Connection;
  readonly #options: KeyOptions;
  #found: Promise<readonly DatasetEntry[]> | null = null;

  private constructor(opened: OpenedOwner, connection: Connection, options: KeyOptions) {
    this.account = opened.address;
    this.#opened = opened;
    this.#connection = connection;
    this.#options = options;
  }

  /**
   * Opens the keys and reads where chain and service are; neither is asked for anything yet.
   * @throws ArgumentError when options are missing or contradict each other; KeyError for a wrong password or mnemonic;
   * FileError when a file is missing, malformed or readable by others
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * console.log(owner.account);
   */
  static async open(options: OwnerOptions): Promise<Owner> {
    // Before the password is worked on, which takes its time.
    const connection = await openConnection(options);
    return new Owner(await openKeys(options), connection, options);
  }

  /**
   * The datasets of this owner: those that the home lists, or, without a home, those that chain, bucket and service have,
   * looked up once.
   * @throws LedgerUnavailableError when the chain cannot be read
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * for (const { name, dataset } of await owner.datasets()) console.log(name, dataset);
   */
  async datasets(signal?: AbortSignal): Promise<readonly DatasetEntry[]> {
    const { home } = this.#options;
    if (home !== undefined) return readDatasets(resolve(home));
    this.#found ??= this.#find(signal);
    try {
      return await this.#found;
    } catch (cause) {
      this.#found = null;
      throw cause;
    }
  }

  /**
   * Protocols I and II. Await it for the report, or go through it for each block's verdict.
   * @throws ArgumentError for an unknown dataset, or options that do not go together; NotRecordedError before anything is
   * recorded; LedgerUnavailableError and StoreUnavailableError when chain or service do not answer
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * const run = owner.verify('weather', { protocol: 'II', from: 's3' });
   * for await (const { index, verdict } of run) console.log(index, verdict);
   * console.log((await run).ok);
   */
  verify(nameOrId: string, options: OwnerVerifyOptions = {}): Verification {
    return new Verification(async (onVerdicts) => {
      const { sample, blocks, fraction, anchor = 'final', signal, protocol = 'I', ...rest } = options;
      const way = wantedWay({ protocol, ...rest });
      const { dataset } = await this.#entry(nameOrId, signal);
      const connection = this.#connection;
      const service = await openService(connection, this.#opened, 'http');
      const parts = {
        ...{ connection, service },
        deps: {
          primitives: nodePrimitives,
          ledger: openLedger(connection),
          rounds: await this.#rounds(service, signal),
        },
      };
      const scope = {
        ...{ dataset, datasetKeyOf: datasetKeyOf(this.#opened, dataset), anchor, fromBlock: connection.fromBlock },
        ...(fraction === undefined ? {} : { fraction }),
        ...(blocks === undefined ? {} : { range: blocks }),
        ...(sample === undefined ? {} : { sample: sample === true ? DEFAULT_SAMPLE : sample }),
      };
      return verifyStored(parts, way, scope, onVerdicts, signal);
    });
  }

  /**
   * Blocks, each verified whole against the chain and decrypted. A block that is not intact comes with its verdict and
   * without content; every block of the range that the chain has comes, whatever storage lists.
   * @throws ArgumentError for an unknown dataset, or both blocks and times; otherwise as `verify`
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * for await (const { verdict, content } of owner.get('weather', { blocks: { from: 0, to: 9 } })) {
   *   console.log(verdict.index, verdict.verdict, content?.length);
   * }
   */
  async *get(nameOrId: string, options: GetOptions = {}): AsyncGenerator<GotBlock> {
    const { blocks, times, anchor = 'final', onPlan, signal } = options;
    if (blocks !== undefined && times !== undefined) throw new ArgumentError('Give either blocks or times.');
    const { dataset } = await this.#entry(nameOrId, signal);
    const connection = this.#connection;
    const service = await openService(connection, this.#opened, 'http');
    const deps = {
      ...{ primitives: nodePrimitives, ledger: openLedger(connection), rounds: await this.#rounds(service, signal) },
      openSource: sourceOfService({ primitives: nodePrimitives, service, download: downloadPresigned }, dataset),
    };
    const range = {
      ...{ dataset, datasetKeyOf: datasetKeyOf(this.#opened, dataset), anchor, fromBlock: connection.fromBlock },
      ...(times === undefined
        ? { by: 'block' as const, ...(blocks ?? EVERY_BLOCK) }
        : { by: 'time' as const, ...times }),
    };
    yield* getRange(deps, range, onPlan, signal);
  }

  /**
   * Brings files and lines back into a folder. A damaged block is never written; a file appears when all of it is verified.
   * The same call again goes on where it was.
   * @param out folder; nothing in it is overwritten
   * @throws FileError when the folder cannot be used; otherwise as `get`
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * const { restored, notIntact } = await owner.getFiles('weather', out);
   * console.log(restored.files, notIntact.length);
   */
  async getFiles(
    nameOrId: string,
    out: string,
    { as = 'files', ...options }: GetOptions & { readonly as?: RestoreAs } = {},
  ): Promise<{ readonly restored: Restored; readonly notIntact: readonly GotBlock['verdict'][] }> {
    const { dataset, name } = await this.#entry(nameOrId, options.signal);
    const { by, from, to } =
      options.times === undefined
        ? { by: 'block', ...(options.blocks ?? EVERY_BLOCK) }
        : { by: 'time', ...options.times };
    const of = { dataset, by, from, to: to === EVERY_BLOCK.to ? 'end' : to };
    const folder = await openRestoredFolder(resolve(out), { as, of, title: `dataset ${name} as ${as}` });
    const notIntact: GotBlock['verdict'][] = [];
    const got = this.get(nameOrId, options);
    const restored = await restoreFiles(
      folder,
      (async function* () {
        for await (const { verdict, upTo, meta, about, content } of got) {
          if (content === null) notIntact.push(verdict);
          const { index, reason } = verdict;
          yield { index, upTo, verdict: verdict.verdict, reason, meta: meta ?? about, content };
        }
      })(),
    );
    return { restored, notIntact };
  }

  /**
   * Has the service import recorded batches into IPFS and pin them, under the hashes they have. Whoever knows a CID can
   * fetch what it names. Repeating it changes nothing.
   * @throws RequestRefusedError where the service has no IPFS; StoreUnavailableError when it does not answer
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * for await (const { first, root } of owner.publish('weather')) console.log(first, root);
   */
  async *publish(
    nameOrId: string,
    range: BlockRange = EVERY_BLOCK,
    signal?: AbortSignal,
  ): AsyncGenerator<PublishedBatch> {
    const { dataset } = await this.#entry(nameOrId, signal);
    yield* publishBatches(await openService(this.#connection, this.#opened, 'http'), dataset, range, signal);
  }

  /**
   * Lets a storage service serve this dataset's consumers: proposes a grant, waits until the service accepts, brings the
   * fuel. Called again, it goes on where it was; nothing is proposed or paid twice.
   * @throws ArgumentError without a home; FileError where the connection names no ASC; StateError when ASC refuses
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * const { grant } = await owner.authorise('weather', { css: operator });
   * console.log(grant.state);
   */
  async authorise(nameOrId: string, options: AuthoriseOptions): Promise<Authorised> {
    const { css, signal, blocks = EVERY_BLOCK, waitMs = 60_000, fuelWei = 0n } = options;
    const sender = senderHomeOf(this.#options);
    const { dataset, name, kind } = await this.#entry(nameOrId, signal);
    const terms: GrantTerms = {
      ...{ dataset, css, first: blocks.from, count: blocks.to - blocks.from + 1, maxBlocks: MAX_DISTINCT_BLOCKS },
      perRecordWei: options.perRecordWei ?? 0n,
      digests: options.digests ?? true,
      blocks: options.wholeBlocks ?? true,
      windowSeconds: options.windowSeconds ?? DAY_SECONDS,
      intervalSeconds: options.intervalSeconds ?? 0,
      untilSeconds: options.untilSeconds ?? Math.floor(nodeRuntime.nowMs() / 1000) + 365 * DAY_SECONDS,
    };
    const connection = this.#connection;
    const parts = {
      ...{ grants: openGrants(connection), party: openGranter(sender, connection, this.#opened) },
      ...{ fromBlock: connection.fromBlock, runtime: nodeRuntime },
    };
    return authoriseCss(parts, { name: encodeDatasetName(name), kind }, terms, { fuelWei, waitMs }, signal);
  }

  /**
   * Offers recorded blocks for sale, with a bond that is lost when a challenged block or a paid key is not shown. An agent
   * (`plumb owner serve`) must run from then on. The same offer that stands already is not made again.
   * @throws NotRecordedError when DISSC has not all the blocks; ArgumentError for terms that OCASC, or a consumer who looks,
   * would refuse, and without a home; ProofError when storage lacks what answers are made of; StateError when OCASC refuses
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * const terms = { blocks: { from: 0, to: 1 }, price: 1000n, fee: 10n, bond: 500n, stake: 1n };
   * const { id } = await owner.offer('weather', terms);
   * console.log(id);
   */
  async offer(nameOrId: string, wanted: OfferWishes, signal?: AbortSignal): Promise<MadeOffer> {
    const sender = senderHomeOf(this.#options);
    const entry = await this.#entry(nameOrId, signal);
    const terms = termsOf(entry, {
      ...{ maxChallenges: 10, maxDemands: 10, window: DAY_SECONDS, duration: 30 * DAY_SECONDS },
      ...wanted,
    });
    const connection = this.#connection;
    const ledger = openLedger(connection);
    await requireOfferable({ ledger }, terms, signal);
    const service = await openService(connection, this.#opened, 'http');
    const keys = { datasetKeyOf: datasetKeyOf(this.#opened, terms.dataset) };
    const checking = { primitives: nodePrimitives, ledger, service, ...keys, fetchManifest };
    for await (const _ of checkServable(checking, terms, signal ?? new AbortController().signal));
    const { agentKey, offersSecret } = deriveAgentSecrets(nodePrimitives, this.#opened.seed);
    const parts = {
      ...{ primitives: nodePrimitives, ledger, agent: accountOfKey(agentKey), offersSecret },
      ...{ fromBlock: connection.fromBlock, market: openMarket(connection) },
      party: openParty(sender, connection, this.#opened),
    };
    const dataset = { name: encodeDatasetName(entry.name), kind: entry.kind };
    return offerBlocks(parts, dataset, terms, { again: false }, signal);
  }

  async #entry(nameOrId: string, signal: AbortSignal | undefined): Promise<DatasetEntry> {
    return pickEntry(
      await this.datasets(signal),
      nameOrId,
      this.#options.home ?? 'what chain, bucket and service have',
    );
  }

  async #rounds(service: Parameters<typeof openRounds>[2], signal: AbortSignal | undefined) {
    const { home } = this.#options;
    return openRounds(
      home === undefined ? null : resolve(home),
      this.#connection,
      service,
      await this.datasets(signal),
    );
  }

  async #find(signal: AbortSignal | undefined): Promise<DatasetEntry[]> {
    const connection = this.#connection;
    const bucket = await openBucket(connection);
    try {
      const sources = {
        ...{ ledger: openLedger(connection), fromBlock: connection.fromBlock, bucket },
        service: await openService(connection, this.#opened, 'http'),
      };
      const wanted = { all: true, datasets: [], kept: [] };
      const { datasets } = await findCharters(sources, this.account, wanted, signal);
      return datasets.flatMap(({ dataset, charters }) => {
        const [first, ...others] = charters;
        return first === undefined ? [] : [entryOf(dataset, [first, ...others] as [SignedCharter], false)];
      });
    } finally {
      bucket?.close();
    }
  }
}

/** Terms of an offer: amounts in units of the token, times in seconds; what is absent has the command's default. */
export type OfferWishes = Omit<OfferTerms, 'maxChallenges' | 'maxDemands' | 'window' | 'duration'> &
  Partial<Pick<OfferTerms, 'maxChallenges' | 'maxDemands' | 'window' | 'duration'>>;
