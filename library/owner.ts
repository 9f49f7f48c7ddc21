import { resolve } from 'node:path';
import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { downloadPresigned } from '../adapters/service/download-presigned.ts';
import type { LookedAtOffer } from '../client/consumer/look-at-offer.ts';
import type { BlockRange } from '../client/disowned-blocks.ts';
import { sourceOfService } from '../client/owner/block-source.ts';
import { checkToSign } from '../client/owner/check-to-sign.ts';
import { findCharters } from '../client/owner/find-charters.ts';
import { type GetPlan, getRange } from '../client/owner/get-range.ts';
import type { GotBlock } from '../client/owner/judge-stored.ts';
import { type PublishedBatch, publishBatches } from '../client/owner/publish-batches.ts';
import { type Restored, restoreFiles } from '../client/restore/restore-files.ts';
import { openRestoredFolder, type RestoreAs } from '../client/restore/restored-folder.ts';
import type { Authorised } from '../client/sale/authorise-css.ts';
import { checkServable, type MadeOffer } from '../client/sale/offer-blocks.ts';
import type { SignedCharter } from '../core/charter/charter.ts';
import { ArgumentError, StateError } from '../core/errors.ts';
import type { Address } from '../core/ids.ts';
import { deriveAgentSecrets } from '../core/keys.ts';
import type { Head } from '../core/log/head.ts';
import type { Anchor } from '../core/ports/ledger.ts';
import { DEFAULT_SAMPLE } from '../core/sampling/confidence.ts';
import { accountOfKey } from '../core/typed-data.ts';
import { type AuthoriseOptions, authoriseService, EVERY_BLOCK } from './authorise-service.ts';
import { type Connection, openBucket, openLedger, openService } from './connection.ts';
import { type DatasetEntry, entryOf, pickEntry, readDatasets } from './dataset-list.ts';
import { type OfferInMaking, openOffer } from './make-offer.ts';
import { DAY_SECONDS, type OfferTerms } from './offer-terms.ts';
import { openAgent } from './open-agent.ts';
import { openRounds } from './open-rounds.ts';
import { datasetKeyOf, type OpenedOwner } from './opened-owner.ts';
import { type KeyOptions, openConnection, openKeys, senderHomeOf, type WhereOptions } from './program-parts.ts';
import { ownerAsProver, type Proven, type ProveOptions, proveFor, wantedBlocksOf } from './prove-blocks.ts';
import { type ServeOptions, serveAsAgent } from './serve-owner.ts';
import { Verification } from './verification.ts';
import { verifyStored } from './verify-stored.ts';
import { type WayOptions, wantedWay } from './verify-way.ts';

/** Options for opening an owner. */
export type OwnerOptions = WhereOptions & KeyOptions;

/** Which blocks to verify, and how. */
export interface OwnerVerifyOptions extends Partial<WayOptions> {
  /** Blocks chosen at random: how many, or `true` for 460. All when absent. */
  readonly sample?: number | true;
  /** Blocks from … to, both inclusive. All when absent. */
  readonly blocks?: BlockRange;
  /** The damaged fraction for which the report states the confidence; 0.01 when absent. */
  readonly fraction?: number;
  /** The chain state to check against; `final` when absent. */
  readonly anchor?: Anchor;
  readonly signal?: AbortSignal;
}

/** What to restore: by block numbers, by capture times, or everything. */
export interface GetOptions {
  /** Blocks from … to, both inclusive. */
  readonly blocks?: BlockRange;
  /** Capture times in ms since 1970, both inclusive. */
  readonly times?: BlockRange;
  readonly anchor?: Anchor;
  /** Receives the range before the first block comes. */
  readonly onPlan?: (plan: GetPlan) => void;
  readonly signal?: AbortSignal;
}

/** What an owner's evidence covers, and whether its readers can read the content. */
export interface OwnerProveOptions extends ProveOptions {
  /** Whether to include these blocks' content keys: whoever has the evidence and the stored bytes can then read them. False when absent. */
  readonly open?: boolean;
  /** Where the blocks come from: the service when absent, or the bucket itself. */
  readonly from?: 'service' | 's3';
}

/**
 * An owner of datasets. It trusts neither storage nor service: verdicts rest on the chain, read through the connection's
 * RPC.
 *
 * @example
 * const owner = await Owner.open({ stack, home, password });
 * const report = await owner.verify('weather', { sample: true });
 * console.log(`${report.counts.intact} of ${report.checked} checked blocks are intact`);
 */
export class Owner {
  /** The owner's account. */
  readonly account: Address;
  /** The account that serves sales. It holds only money for gas. */
  readonly agent: Address;
  readonly #opened: OpenedOwner;
  readonly #connection: Connection;
  readonly #options: KeyOptions;
  #found: Promise<readonly DatasetEntry[]> | null = null;

  private constructor(opened: OpenedOwner, connection: Connection, options: KeyOptions) {
    this.account = opened.address;
    this.agent = accountOfKey(deriveAgentSecrets(nodePrimitives, opened.seed).agentKey);
    this.#opened = opened;
    this.#connection = connection;
    this.#options = options;
  }

  /**
   * Opens the keys, and reads where chain and service are. It sends neither of them a request yet.
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
   * This owner's datasets: those that the home lists. Without a home, it looks them up once on the chain, in the bucket
   * and at the service.
   * @throws LedgerUnavailableError when the chain cannot be read
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * for (const { name, dataset } of await owner.datasets()) console.log(name, dataset);
   */
  async datasets(signal?: AbortSignal): Promise<readonly DatasetEntry[]> {
    if (this.#home !== null) return readDatasets(this.#home);
    this.#found ??= this.#find(signal);
    try {
      return await this.#found;
    } catch (cause) {
      this.#found = null;
      throw cause;
    }
  }

  /**
   * Protocols I and II. Await it for the report, or iterate over it for each block's verdict.
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
   * Blocks, each completely verified against the chain, and decrypted. A block that is not intact comes with its verdict
   * and without content. Every block of the range that the chain has comes, whatever the storage lists.
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
   * Restores files and lines into a folder. It never writes a damaged block; a file appears once all of it is verified.
   * Repeating the call continues where it stopped.
   * @param out folder; it overwrites nothing there
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
   * Makes the service import recorded batches into IPFS and pin them, under the hashes that they have. Whoever knows a CID
   * can fetch what it names. Repeating it changes nothing.
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
   * Lets a storage service serve this dataset's consumers: proposes a grant, waits until the service accepts it, and adds
   * the fuel. Repeating the call continues where it stopped; it proposes and pays nothing twice.
   * @throws ArgumentError without a home; FileError where the connection names no ASC; StateError when ASC refuses
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * const { grant } = await owner.authorise('weather', { css: operator });
   * console.log(grant.state);
   */
  async authorise(nameOrId: string, options: AuthoriseOptions): Promise<Authorised> {
    const sender = senderHomeOf(this.#options);
    const entry = await this.#entry(nameOrId, options.signal);
    return authoriseService(sender, this.#connection, this.#opened, entry, options);
  }

  /**
   * Offers recorded blocks for sale, with a bond: you lose it if you do not show a challenged chunk or a paid key. The
   * owner's agent (`serve`) must run from then on. If the same offer is already open, it makes no second one.
   * @throws NotRecordedError when DISSC has not all the blocks; ArgumentError for terms that OCASC, or a consumer who looks,
   * would refuse, and without a home; ProofError when the storage lacks what answers need; StateError when OCASC refuses
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
    const offer = await this.#openOffer(entry, wanted);
    await offer.look(signal);
    await offer.requireOfferable(signal);
    await this.#requireGrown(offer, signal);
    for await (const _ of checkServable(offer.checking, offer.terms, signal ?? new AbortController().signal));
    return offer.make(sender, { again: false }, signal);
  }

  /**
   * What either side can lose by an offer with these terms, and what a consumer will find odd about it. Sends nothing.
   * @throws ArgumentError for terms that OCASC, or a consumer who looks, would refuse; LedgerUnavailableError when the chain cannot
   * be read
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * const terms = { blocks: { from: 0, to: 1 }, price: 1000n, fee: 10n, bond: 500n, stake: 1n };
   * const { owner: mostToLose, odd } = await owner.look('weather', terms);
   * console.log(mostToLose, odd.map(({ code }) => code));
   */
  async look(nameOrId: string, wanted: OfferWishes, signal?: AbortSignal): Promise<LookedAtOffer> {
    return (await this.#openOffer(await this.#entry(nameOrId, signal), wanted)).look(signal);
  }

  /**
   * Serves all sales of this owner as its agent, until the signal is aborted: hands out keys in return for vouchers, answers
   * challenges and demands, claims earnings. The agent's account (`agent`) pays for gas: give it a little ether. Its state
   * folder is enough to continue after any crash, in this program or with `plumb owner serve`.
   * @returns how many sales had trouble in their last step
   * @throws ArgumentError without a home; SaleStateError when the folder cannot be used, SaleStateBusyError when another process
   * uses it; FileError where the connection names no OCASC; LedgerUnavailableError when the chain does not answer at the start
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * const onEvent = ({ event, agreement }) => console.log(event, agreement);
   * const failing = await owner.serve({ once: true, state: out, onEvent });
   * console.log(failing);
   */
  async serve(options: ServeOptions = {}): Promise<number> {
    const { home } = senderHomeOf(this.#options);
    const entries = await this.datasets(options.signal);
    const agent = await openAgent(this.#connection, this.#opened, entries, options.signal);
    return serveAsAgent(agent, home, options);
  }

  /**
   * Evidence of blocks, a file or a period, for someone without keys: one file that anyone can verify with the chain alone.
   * @throws ArgumentError for an unknown dataset, for no such blocks or too many, or unless exactly one of blocks, file and
   * times is given; StateError for what the storage cannot show; NotRecordedError before the blocks are recorded
   *
   * @example
   * const owner = await Owner.open({ stack, home, password });
   * const { file, report } = await owner.prove('weather', { blocks: { from: 0, to: 1 }, open: true });
   * await writeFile(out, file);
   * console.log(report.verdict, report.notAfter);
   */
  async prove(nameOrId: string, options: OwnerProveOptions): Promise<Proven> {
    wantedBlocksOf(options);
    const { dataset } = await this.#entry(nameOrId, options.signal);
    const connection = this.#connection;
    const prover = ownerAsProver(connection, this.#opened, dataset, await this.datasets(options.signal));
    const via = options.from === 's3' ? ('s3' as const) : ('http' as const);
    return proveFor({ home: this.#home, connection, via }, prover, options);
  }

  get #home(): string | null {
    const { home } = this.#options;
    return home === undefined ? null : resolve(home);
  }

  async #entry(nameOrId: string, signal: AbortSignal | undefined): Promise<DatasetEntry> {
    return pickEntry(
      await this.datasets(signal),
      nameOrId,
      this.#options.home ?? 'what chain, bucket and service have',
    );
  }

  async #openOffer(entry: DatasetEntry, wanted: OfferWishes): Promise<OfferInMaking> {
    const [connection, opened] = [this.#connection, this.#opened];
    const service = await openService(connection, opened, 'http');
    const defaults = { maxChallenges: 10, maxDemands: 10, window: DAY_SECONDS, duration: 30 * DAY_SECONDS };
    return openOffer({ connection, opened, service, entry, named: (term) => term }, { ...defaults, ...wanted });
  }

  /** The log on sale must be the one that this home has seen, because the bond is at stake for it. */
  async #requireGrown({ ledger, terms: { dataset } }: OfferInMaking, signal: AbortSignal | undefined): Promise<void> {
    const connection = this.#connection;
    const rounds = await this.#rounds(await openService(connection, this.#opened, 'http'), signal);
    const [newest] = (await ledger.readHeads([dataset], 'latest', signal)).heads;
    const head = { newest: newest as Head, mayBeShorter: true };
    const { refused } = await checkToSign(rounds, ledger, connection.fromBlock, head, signal);
    if (refused.length > 0) throw new StateError(`Nothing was sent. ${refused.join(' ')}`, { details: { dataset } });
  }

  async #rounds(service: Parameters<typeof openRounds>[2], signal: AbortSignal | undefined) {
    return openRounds(this.#home, this.#connection, service, await this.datasets(signal));
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
