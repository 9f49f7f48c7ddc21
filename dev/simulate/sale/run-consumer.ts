import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createChainBlocks } from '../../../adapters/ethereum/chain-blocks.ts';
import { createMemorySentTransactions } from '../../../adapters/ethereum/memory-sent-transactions.ts';
import { createTokenReader } from '../../../adapters/ethereum/read-token.ts';
import { acceptOffer } from '../../../client/consumer/accept-offer.ts';
import { auditPurchase } from '../../../client/consumer/audit-purchase.ts';
import { type DeliverySink, deliverPurchase } from '../../../client/consumer/deliver-purchase.ts';
import { openKeyChannel } from '../../../client/consumer/key-channel.ts';
import { openPurchase, type Purchase, readPurchaseLog } from '../../../client/consumer/open-purchase.ts';
import { defaultAhead, highestDue } from '../../../client/consumer/pay-ahead.ts';
import {
  newPurchase,
  type PurchaseState,
  type PurchaseStore,
  purchaseState,
} from '../../../client/consumer/purchase-state.ts';
import { readShownKeys } from '../../../client/consumer/read-shown-keys.ts';
import { settlePurchase } from '../../../client/consumer/settle-purchase.ts';
import type { VerifiedBlock } from '../../../client/consumer/verified-block.ts';
import { paidBlocks } from '../../../core/agreement/quota.ts';
import { deriveEncryptionKeys } from '../../../core/agreement/seal-message.ts';
import { signVoucher } from '../../../core/agreement/voucher.ts';
import { ENCRYPTED } from '../../../core/charter/kind.ts';
import { PlumblineError, StateError } from '../../../core/errors.ts';
import { type AgreementId, NATIVE_COIN, type PrivateKey } from '../../../core/ids.ts';
import type { Agreement, AgreementMarket, AgreementParty } from '../../../core/ports/agreements.ts';
import { accountOfKey } from '../../../core/typed-data.ts';
import { type Life, runProcess, type SimulatedProcess } from './process-lives.ts';
import { openOcasc, openOcascInLife, type SaleWorld } from './sale-world.ts';

/** What is on the consumer's disk of one purchase. */
interface Kept {
  readonly id: AgreementId;
  state: PurchaseState;
  /** Verified, and written. */
  blocks: VerifiedBlock[];
  isAudited: boolean;
  /** How often a delivery has ended before all was there. */
  stops: number;
}

export interface SimulatedConsumer extends SimulatedProcess {
  keptOf(id: AgreementId): Pick<Kept, 'state' | 'blocks'> | null;
  /** The highest voucher that was ever signed. */
  voucherOf(id: AgreementId): { readonly due: bigint; readonly signature: Uint8Array } | null;
}

const LOOK_MS = 100_000;
const FINAL_WITHIN_MS = 10 * 60_000;
const PATIENCE_MS = 5 * 60_000;
/** Behind as many deliveries that did not come whole, the owner is asked on the chain. */
const PATIENT_STOPS = 3;
const ENDED: ReadonlySet<Agreement['state']> = new Set(['cancelled', 'closed', 'breached']);

/** A consumer who follows the rules, through all its lives: looks, accepts, audits, pays block by block, asks, settles. */
export function runConsumer(world: SaleWorld, consumerKey: PrivateKey): SimulatedConsumer {
  const { settings, dataset } = world;
  const account = accountOfKey(consumerKey);
  const { rpc } = openOcasc(world, 'consumer');
  const sent = createMemorySentTransactions();
  const random = world.random.fork('choices of the consumer');
  const choices = {
    audits: random.chance(0.5),
    challenges: random.chance(0.8),
    ends: random.pick(['approves', 'approves', 'quits', 'waits'] as const),
    ...{ place: random.next(), seed: random.between(0, 2 ** 32 - 1) },
  };
  const purchases = new Map<AgreementId, Kept>();
  let chosen: AgreementId | null = null;
  const signerKeyOf = (id: AgreementId): PrivateKey => world.random.fork(`signer of ${id}`).bytes(32) as PrivateKey;
  const keptOf = (id: AgreementId): Kept => {
    const known = purchases.get(id);
    if (known !== undefined) return known;
    const kept: Kept = { id, state: newPurchase(id), blocks: [], isAudited: false, stops: 0 };
    purchases.set(id, kept);
    return kept;
  };

  const live = async (life: Life): Promise<void> => {
    const { options, market, party } = openOcascInLife(world, life, { rpc, key: consumerKey, sent });
    const ledger = life.guard(world.ledgerOf('consumer'));
    const looker = {
      ...{ market, ledger, chainBlocks: createChainBlocks(options), tokens: createTokenReader(options), fromBlock: 0 },
    };
    const bytes = life.random.fork('bytes');
    const primitives = { ...nodePrimitives, randomBytes: (size: number) => bytes.bytes(size) };

    const choose = async (): Promise<AgreementId | null> => {
      const { point } = await ledger.readHeads([], 'latest');
      for (const { id } of await market.findOffers({ dataset }, 0, point.blockNumber)) {
        const { agreement } = await market.readAgreement(id, 'latest');
        if (agreement?.state === 'offered' || agreement?.buyer?.consumer === account) return id;
      }
      return null;
    };
    const storeOf = (kept: Kept): PurchaseStore => {
      const save = async (change: Partial<PurchaseState>): Promise<void> => {
        const state = { ...kept.state, ...change };
        purchaseState.parse(
          JSON.parse(JSON.stringify(state, (_, value) => (typeof value === 'bigint' ? `${value}` : value))),
        );
        kept.state = state;
      };
      const disk = life.guard({ save });
      return {
        get state() {
          return kept.state;
        },
        save: (change) => disk.save(change),
      };
    };

    /** One look at the purchase, and what there is to do. True when nothing is left. */
    const step = async (): Promise<boolean> => {
      chosen ??= await choose();
      const id = chosen;
      if (id === null) return false;
      const kept = keptOf(id);
      const store = storeOf(kept);
      const signerKey = signerKeyOf(id);
      const keys = await deriveEncryptionKeys(world.random.fork(`messages of ${id}`).bytes(32));
      const { agreement: seen } = await market.readAgreement(id, 'latest');
      if (seen === null || seen.state === 'cancelled') {
        chosen = null;
        return false;
      }
      const signer = accountOfKey(signerKey);
      const buyer = {
        market,
        party,
        looker,
        keys: { signer, publicKey: keys.publicKey },
        store,
        runtime: life.runtime,
      };
      const wanted = { token: null, agrees: () => true, waitMs: FINAL_WITHIN_MS };
      const final = await acceptOffer(buyer, id, wanted);
      if (final === null) return false;
      if (ENDED.has(final.state)) return takeOut(market, party);
      const { agreement: newest, point } = await market.readAgreement(id, 'latest');
      if (newest === null) return false;
      const nowSeconds = Math.floor(point.timestampMs / 1000);
      const purchase = await openPurchase(market, id, 'final');
      const { terms } = purchase;
      await askInTime({ ...buyer, store }, newest, nowSeconds, purchase);
      const endSeconds = newest.buyer?.endSeconds ?? purchase.buyer.endSeconds;
      if (newest.state === 'active' && nowSeconds >= endSeconds + terms.windowSeconds) {
        await settlePurchase(buyer, purchase, 'close');
        return false;
      }
      if (nowSeconds < endSeconds)
        await receive(kept, store, purchase, keys.privateKey, { newest, signerKey, endSeconds, nowSeconds });
      const isWhole = kept.state.verified === terms.count;
      if (isWhole && choices.ends === 'approves') await settlePurchase(buyer, purchase, 'approve');
      if (choices.ends === 'quits' && kept.state.verified > 0 && nowSeconds < endSeconds)
        await settlePurchase(buyer, purchase, 'quit');
      return false;
    };

    const receive = async (
      kept: Kept,
      store: PurchaseStore,
      purchase: Purchase,
      encryptionKey: Awaited<ReturnType<typeof deriveEncryptionKeys>>['privateKey'],
      at: { newest: Agreement; signerKey: PrivateKey; endSeconds: number; nowSeconds: number },
    ): Promise<void> => {
      const { id, terms, kind } = purchase;
      const { newest, signerKey, endSeconds, nowSeconds } = at;
      const service = life.guard(world.serviceFor(signerKey, life.runtime, id));
      const log = await readPurchaseLog(ledger, purchase, 0, null);
      const channel = openKeyChannel({
        ...{ runtime: life.runtime, service, domain: settings.domain, purchase, store, signerKey, encryptionKey },
        ...{ patienceMs: PATIENCE_MS, pollMs: 20_000 },
      });
      if (choices.audits && !kept.isAudited && terms.samples > 0) {
        const deps = { primitives, service, requestKeys: channel.requestKeys, store };
        await auditPurchase(deps, { purchase, log, protocol: 'III', evidence: 'possession', fraction: 0.5 });
        kept.isAudited = true;
      }
      if (choices.challenges && newest.state === 'active' && newest.challenges === 0) {
        const block = terms.first + Math.floor(choices.place * terms.count);
        const valueWei = 2n * (await market.readChallengeStakeWei(id));
        await party.challenge(id, { block, seed: choices.seed, valueWei });
      }
      if (kept.state.verified === terms.count) return;
      // Paid for a block that does not come: the owner is asked for it where all can see.
      const due = highestDue(newest, store);
      const next = terms.first + kept.state.verified;
      if (kept.stops >= PATIENT_STOPS && newest.state === 'active') {
        const isPaid = kept.state.verified < paidBlocks(terms, due);
        if (isPaid && kind === ENCRYPTED && newest.demands < terms.maxDemands) {
          if (due > newest.due)
            await party.claim(id, due, signVoucher(settings.domain, { agreement: id, due }, signerKey));
          await party.demandKey(id, { block: next, valueWei: 2n * (await market.readDemandStakeWei()) });
          kept.stops = 0;
        } else if (newest.challenges < terms.maxChallenges) {
          await party.challenge(id, {
            block: next,
            seed: choices.seed,
            valueWei: 2n * (await market.readChallengeStakeWei(id)),
          });
          kept.stops = 0;
        }
      }
      if (choices.ends === 'quits' && kept.state.verified > 0) return;
      if (nowSeconds > endSeconds - terms.windowSeconds) return;
      const deps = {
        ...{ primitives, service, channel, store, domain: settings.domain, signerKey },
        readNowSeconds: async () => Math.floor((await ledger.readHeads([], 'latest')).point.timestampMs / 1000),
        readShownKeys: (signal?: AbortSignal) => readShownKeys(market, id, 0, signal),
      };
      const { stopped } = await deliverPurchase(
        deps,
        { purchase, log, ahead: defaultAhead(terms.count) },
        sinkOf(kept),
      );
      if (stopped === null) return;
      kept.stops++;
      world.note('consumer', { stopped: stopped.verdict, index: stopped.index, reason: stopped.reason });
    };
    const sinkOf = (kept: Kept): DeliverySink => {
      let blocks = kept.blocks.slice(0, kept.state.verified);
      const sync = async (): Promise<void> => {
        kept.blocks = blocks;
      };
      const disk = life.guard({ sync });
      return {
        async append(block) {
          blocks = [...blocks, block];
        },
        sync: () => disk.sync(),
      };
    };

    for (;;) {
      try {
        if (await step()) return;
      } catch (cause) {
        if (!(cause instanceof PlumblineError)) throw cause;
        world.note('consumer', { trouble: cause.shortMessage });
        // Somebody has taken it, or its time is over.
        if (cause instanceof StateError && cause.details.reason === 'OCASC_TooLate') chosen = null;
      }
      await life.runtime.sleep(LOOK_MS);
    }
  };

  /** What was not answered in time is said to be so, and costs the bond. */
  const askInTime = async (
    parts: Parameters<typeof settlePurchase>[0],
    { state, question }: Agreement,
    nowSeconds: number,
    purchase: Purchase,
  ): Promise<void> => {
    if (question === null) return;
    if (state === 'challenged' && nowSeconds > question.deadlineSeconds) await settlePurchase(parts, purchase, 'lapse');
    if (state === 'lapsed' && nowSeconds > (question.graceEndSeconds ?? 0))
      await settlePurchase(parts, purchase, 'breach');
  };
  const takeOut = async (market: AgreementMarket, party: AgreementParty): Promise<boolean> => {
    if ((await market.readCredit(NATIVE_COIN, account, 'latest')) > 0n) await party.withdraw(NATIVE_COIN, account);
    return (await market.readCredit(NATIVE_COIN, account, 'final')) === 0n;
  };
  const process = runProcess({ ...world, random: world.random.fork('consumer'), killedBy: 'consumer-killed', live });
  return {
    ...process,
    keptOf: (id) => purchases.get(id) ?? null,
    voucherOf(id) {
      const due = purchases.get(id)?.state.due ?? 0n;
      return due === 0n
        ? null
        : { due, signature: signVoucher(settings.domain, { agreement: id, due }, signerKeyOf(id)) };
    },
  };
}
