import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { auditPurchase } from '../../client/consumer/audit-purchase.ts';
import type { DeliveryDeps } from '../../client/consumer/deliver-purchase.ts';
import { openKeyChannel } from '../../client/consumer/key-channel.ts';
import { openPurchase, readPurchaseLog } from '../../client/consumer/open-purchase.ts';
import { readShownKeys } from '../../client/consumer/read-shown-keys.ts';
import { offerBlocks } from '../../client/sale/offer-blocks.ts';
import type { SaleEvent } from '../../client/sale/sale-event.ts';
import { openSaleState } from '../../client/sale/sale-state.ts';
import { serveSales } from '../../client/sale/serve-sales.ts';
import { type BlockKeys, decodeKeyPayload } from '../../core/agreement/key-payload.ts';
import { deriveEncryptionKeys, openMessage } from '../../core/agreement/seal-message.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { requireDatasetName } from '../../core/charter/dataset-name.ts';
import { type AgreementId, NATIVE_COIN, type PrivateKey } from '../../core/ids.ts';
import type { CssYEvidence } from '../../core/protocols/challenge-storage.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { Verdict } from '../../core/verdict.ts';
import { openSaleParts } from '../../library/open-sale-parts.ts';
import type { LyingProxy } from './lying-proxy.ts';
import { memoryStore } from './memory-sale.ts';
import { newKey, type RecordedStack, type StackDataset, until } from './recorded-stack.ts';

/** Another dataset of the same owner, and another agent's secret. */
interface OfferedBy {
  readonly of: StackDataset;
  readonly offersSecret: Uint8Array;
}

/** An owner with an agent who may serve sales of one dataset. */
export async function makeSeller(stack: RecordedStack, of: StackDataset) {
  const agentKey = await stack.funded();
  const agent = accountOfKey(agentKey);
  const offersSecret = new Uint8Array(randomBytes(32));
  const events: SaleEvent[] = [];
  const { rpcUrl, chainId, dissc, ocasc } = stack.chain;
  const file = {
    ...{ rpcUrl, chainId, dissc, ocasc, apiUrl: stack.apiUrl, fromBlock: 0, owner: of.owner, agentKey, offersSecret },
    datasets: [
      { name: 'readings', dataset: of.dataset, keys: [{ serial: of.charter.serial, datasetKey: of.datasetKey }] },
    ],
  };
  const party = stack.as(of.ownerKey);
  return {
    ...{ of, agentKey, agent, offersSecret, events, file, party },
    /** Offers blocks. The terms are those of the whole dataset, twelve at 100 each and a fee of 100, where nothing else is said. */
    async offer(change: Partial<Terms> = {}, byAgent = agent, by: Partial<OfferedBy> = {}) {
      const { charter } = by.of ?? of;
      const terms: Terms = {
        ...{ dataset: of.dataset, first: 0, count: 12, token: NATIVE_COIN, price: 1_300n, fee: 100n, bond: 500n },
        ...{ stakeWei: 3n, maxChallenges: 4, maxDemands: 4, samples: 12, previews: 1, windowSeconds: 5 },
        durationSeconds: 3600,
        ...{ acceptBySeconds: 2n ** 64n - 1n, consumer: NATIVE_COIN, ...change },
      };
      const { id } = await offerBlocks(
        {
          ...{ primitives: nodePrimitives, ledger: stack.ledger, market: stack.market, party: party.agreements },
          ...{ agent: byAgent, offersSecret: by.offersSecret ?? offersSecret, fromBlock: 0 },
        },
        { name: requireDatasetName(charter.name), kind: charter.kind },
        terms,
        { again: true },
      );
      return { id, terms };
    },
    /** Serves all sales until stopped, by the service as it is or through a proxy. */
    serve(proxy?: LyingProxy) {
      const folder = join(stack.folder, `sales-${agent.slice(2, 10)}`);
      const state = openSaleState(folder, { chainId, ocasc, owner: of.owner, agent });
      const parts = openSaleParts(file, state, (event) => events.push(event));
      const serviceFor: typeof parts.serviceFor =
        proxy === undefined
          ? parts.serviceFor
          : (agreement) => stack.clientOf(agentKey, { agreement, transport: proxy.transport });
      const stop = new AbortController();
      const ended = serveSales({ ...parts, serviceFor }, { pollMs: 300 }, stop.signal).finally(() => state.close());
      return async (): Promise<void> => {
        stop.abort();
        await ended;
      };
    },
    /** Waits for an event of one agreement. */
    event: <K extends SaleEvent['event']>(
      kind: K,
      agreement: string,
      fits: (event: SaleEvent) => boolean = () => true,
    ) =>
      until(
        `The event ${kind}`,
        () =>
          (events.find((event) => event.event === kind && event.agreement === agreement && fits(event)) as
            | Extract<SaleEvent, { event: K }>
            | undefined) ?? null,
      ),
  };
}

export type Seller = Awaited<ReturnType<typeof makeSeller>>;

/** Accepts an offer, finally, and opens what a consumer works with. */
export async function buy(stack: RecordedStack, { id, terms }: { readonly id: AgreementId; readonly terms: Terms }) {
  const [consumerKey, signerKey] = [await stack.funded(), newKey()];
  const keys = await deriveEncryptionKeys(new Uint8Array(randomBytes(32)));
  const party = stack.as(consumerKey);
  const accepted = await party.agreements.accept({ id, ...terms }, accountOfKey(signerKey), keys.publicKey);
  await until('The acceptance in a final block', async () => {
    const { agreement } = await stack.market.readAgreement(id, 'final');
    return agreement?.buyer ?? null;
  });
  const purchase = await openPurchase(stack.market, id, 'final');
  const log = await readPurchaseLog(stack.ledger, purchase, 0, null);
  const { domain } = stack.market;
  return {
    ...{ id, terms, consumerKey, signerKey, keys, party, accepted, purchase, log, store: memoryStore(id) },
    voucher: (due: bigint, of = id, by: PrivateKey = signerKey) =>
      [{ agreement: id, due }, signVoucher(domain, { agreement: of, due }, by)] as const,
  };
}

export type Bought = Awaited<ReturnType<typeof buy>>;

/** Ends a sale that no test needs any more: its agent need not look after it. */
export async function settle({ id, party }: Bought): Promise<void> {
  await party.agreements.approve(id);
}

/** The keys that lie in the mailbox for a consumer, by block. */
export async function keysSent(stack: RecordedStack, bought: Bought): Promise<Map<number, BlockKeys>> {
  const { id, purchase, keys } = bought;
  const { messages } = await openChannel(stack, bought).service.listMessages(id, { from: purchase.agent });
  const found = new Map<number, BlockKeys>();
  for (const message of messages) {
    const payload = decodeKeyPayload(await openMessage(stack.market.domain, message, keys.privateKey));
    for (const block of payload.blocks) found.set(block.index, block);
  }
  return found;
}

export interface AuditOptions {
  readonly protocol: 'III' | 'IV';
  readonly evidence?: CssYEvidence;
  readonly sample?: number;
  /** Between the consumer and the service. */
  readonly proxy?: LyingProxy;
  /** Another host's. */
  readonly apiUrl?: string;
  readonly nowMs?: () => number;
  readonly timeoutMs?: number;
  /** For the owner's keys. */
  readonly patienceMs?: number;
  /** Who signs the requests; the agreement's signer when absent. */
  readonly by?: PrivateKey;
}

/** What a delivery of all that was bought runs on. */
export function deliveryOf(stack: RecordedStack, bought: Bought, options: Partial<AuditOptions> = {}): DeliveryDeps {
  const { service, channel } = openChannel(stack, bought, options);
  const { store, signerKey } = bought;
  const { domain } = stack.market;
  const readNowSeconds = async () => Math.floor(Date.now() / 1000);
  return {
    ...{ primitives: nodePrimitives, service, channel, store, domain, signerKey, readNowSeconds },
    readShownKeys: (signal) => readShownKeys(stack.market, bought.id, 0, signal),
  };
}

/** The consumer's end of the service and the mailbox. */
export function openChannel(stack: RecordedStack, bought: Bought, options: Partial<AuditOptions> = {}) {
  const { proxy, apiUrl, nowMs, timeoutMs, patienceMs = 20_000, by = bought.signerKey } = options;
  const service = stack.clientOf(by, {
    agreement: bought.id,
    ...(proxy === undefined ? {} : { transport: proxy.transport }),
    ...(apiUrl === undefined ? {} : { apiUrl }),
    ...(nowMs === undefined ? {} : { nowMs }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const distrusted: string[] = [];
  const channel = openKeyChannel({
    runtime: nodeRuntime,
    ...{ service, domain: stack.market.domain, purchase: bought.purchase, store: bought.store, patienceMs, pollMs: 50 },
    ...{ signerKey: bought.signerKey, encryptionKey: bought.keys.privateKey },
    onDistrusted: (reason) => void distrusted.push(reason),
  });
  return { service, channel, distrusted };
}

/** An audit as `plumb consumer audit` runs it, of every block for sale where nothing else is said. */
export async function audit(stack: RecordedStack, bought: Bought, options: AuditOptions) {
  const { service, channel, distrusted } = openChannel(stack, bought, options);
  const { store } = bought;
  // What was sampled before may be sampled again: storage and owner give it for nothing.
  await store.save({ sampled: [], openSample: null });
  const verdicts: Verdict[] = [];
  const report = await auditPurchase(
    { primitives: nodePrimitives, service, requestKeys: channel.requestKeys, store },
    {
      ...{ purchase: bought.purchase, log: bought.log, protocol: options.protocol, fraction: 0.01 },
      ...{ evidence: options.evidence ?? 'possession', sample: options.sample ?? bought.terms.count },
    },
    (some) => verdicts.push(...some),
  );
  return { report, verdicts, kinds: verdicts.map(({ verdict }) => verdict), distrusted };
}
