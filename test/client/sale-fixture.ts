import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { disscInterface, encodeRecord } from '../../adapters/ethereum/dissc-interface.ts';
import { readChainPoint } from '../../adapters/ethereum/read-chain-point.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { ClaimPace } from '../../client/sale/claim-pace.ts';
import { offerBlocks } from '../../client/sale/offer-blocks.ts';
import { PreparedAnswers } from '../../client/sale/prepared-answers.ts';
import type { SaleEvent } from '../../client/sale/sale-event.ts';
import type { SaleParts } from '../../client/sale/sale-parts.ts';
import { openSaleState, type SaleState } from '../../client/sale/sale-state.ts';
import { serveSales } from '../../client/sale/serve-sales.ts';
import { decodeKeyPayload, type KeyPayload } from '../../core/agreement/key-payload.ts';
import { decodeKeyRefusal, encodeKeyRequest, type KeyRefusal } from '../../core/agreement/key-request.ts';
import {
  deriveEncryptionKeys,
  type EncryptionPublicKey,
  openMessage,
  sealMessage,
} from '../../core/agreement/seal-message.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { contentKeyOf } from '../../core/agreement/verify-keys.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { type SealedBatch, sealBatch } from '../../core/batch/seal-batch.ts';
import { datasetOfCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { type DatasetKind, ENCRYPTED } from '../../core/charter/kind.ts';
import { type Address, type BlockIndex, type DatasetKey, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import { growthOfLeaves } from '../../core/log/build-growth.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import type { Agreements } from '../../core/ports/agreements.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { fetchManifest } from '../../library/fetch-manifest.ts';
import { clientOf, type Market } from '../functions/start-sale.ts';
import { blocks, key, putObject } from '../functions/start-service.ts';

export const NATIVE = `0x${'00'.repeat(20)}` as Address;
/** Blocks of the batches that are recorded. */
export const COUNTS = [3, 4, 5];

const FIRST_SERIAL = 1_700_000_000;

/** An owner with a recorded dataset of twelve blocks, encrypted if not said otherwise, and the agent that serves it. */
export async function makeOwner(market: Market, kind: DatasetKind = ENCRYPTED) {
  const { stores, ports, contracts, rpc } = market;
  const { chainId, dissc } = contracts;
  const domain = { chainId, dissc };
  const [ownerKey, agentKey, deviceKey] = [key(), key(), key()];
  const [owner, agentAccount] = [createKeySigner(ownerKey), createKeySigner(agentKey)];
  for (const { account } of [owner, agentAccount]) {
    await rpc.call('anvil_setBalance', [account, `0x${(10n ** 21n).toString(16)}`]);
  }
  stores.owners.set(owner.account, 2 ** 40);
  const datasetKey = new Uint8Array(randomBytes(32)) as DatasetKey;
  const party = market.as(owner);
  const name = encodeDatasetName(randomBytes(8).toString('hex'));
  const device = accountOfKey(deviceKey);
  const serial = FIRST_SERIAL;
  const charter = { owner: owner.account, name, kind, device, anchorer: NO_ACCOUNT, serial, from: 0 };
  const signed = { ...charter, signature: signCharter(domain, charter, ownerKey) };
  const dataset = datasetOfCharter(domain, charter);
  const writer = { dataset, kind, serial, deviceKey, datasetKey, domain };
  let end = EMPTY_PEAKS;
  const batches: SealedBatch[] = COUNTS.map((count) => {
    const sealed = sealBatch(nodePrimitives, writer, end, blocks(Array(count).fill(3000)), randomBytes(16));
    end = sealed.end;
    return sealed;
  });
  const { manifest } = batches.at(-1) as SealedBatch;
  const leaves = batches.flatMap(({ leafHashes }) => leafHashes);
  const { peaks, appended } = growthOfLeaves(nodePrimitives, EMPTY_PEAKS, leaves);
  const update = { dataset, ...manifest.head, signature: manifest.signature, peaks, appended };
  const data = encodeRecord({ charters: [signed], updates: [update] });
  const contract = { name: 'DISSC', at: dissc, abi: disscInterface };
  await party.calls.inTurn((send) => send({ contract, data }));
  for (const { segment } of batches) {
    await putObject(stores, segment.key, segment.car);
    await ingestSegment(ports, segment.key);
  }
  await market.finalise();

  const offersSecret = new Uint8Array(randomBytes(32));
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-owner-sales-'));
  const identity = {
    ...{ chainId, ocasc: contracts.ocasc, owner: owner.account, agent: agentAccount.account },
  };
  const events: SaleEvent[] = [];
  const partsOf = (state: SaleState): SaleParts => ({
    ...{ primitives: nodePrimitives, owner: owner.account, agentKey, offersSecret, state, fromBlock: 0, fetchManifest },
    datasetKeys: new Map([[dataset, new Map([[serial, datasetKey]])]]),
    market: ports.agreements as SaleParts['market'],
    party: market.as(agentAccount).agreements,
    runtime: nodeRuntime,
    claimPace: new ClaimPace(),
    prepared: new PreparedAnswers(),
    readPoint: (anchor, signal) => readChainPoint(rpc, anchor, signal),
    serviceFor: (agreement) => clientOf(ports, agentKey, agreement),
    onEvent: (event) => events.push(event),
  });
  return {
    ...{ owner, agentKey, agent: agentAccount.account, dataset, datasetKey, name, kind, batches, offersSecret, folder },
    ...{ identity, events, partsOf, party },
    /** One step of a server that starts, and ends again. @returns what it said */
    async serveOnce(change: Partial<SaleParts> = {}): Promise<SaleEvent[]> {
      const state = openSaleState(join(folder, 'state'), identity);
      const from = events.length;
      try {
        await serveSales({ ...partsOf(state), ...change }, { pollMs: 10, once: true }, AbortSignal.timeout(60_000));
      } finally {
        state.close();
      }
      return events.slice(from);
    },
    async close() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type Owner = Awaited<ReturnType<typeof makeOwner>>;

/** An agreement about the owner's blocks, finally accepted by a consumer who talks to the mailbox. */
export async function sell(
  market: Market,
  seller: Owner,
  change: Partial<Terms> = {},
  /** What a consumer names who means no good; its own keys where absent. */
  named: { readonly signer?: Address; readonly encryptionKey?: EncryptionPublicKey } = {},
) {
  const { ports } = market;
  const terms: Terms = {
    ...{
      dataset: seller.dataset,
      first: 0,
      count: 12,
      token: NATIVE,
      price: 1210n,
      fee: 10n,
      bond: 500n,
      stakeWei: 1n,
    },
    ...{ maxChallenges: 4, maxDemands: 4, samples: 2, previews: 0, windowSeconds: 60, durationSeconds: 3600 },
    ...{ acceptBySeconds: 2n ** 64n - 1n, consumer: NATIVE, ...change },
  };
  const { id } = await offerBlocks(
    {
      ...{ primitives: nodePrimitives, ledger: ports.ledger, market: ports.agreements as SaleParts['market'] },
      ...{ party: seller.party.agreements, agent: seller.agent, offersSecret: seller.offersSecret, fromBlock: 0 },
    },
    seller,
    terms,
    { again: true },
  );
  const consumer = await market.funded();
  const signerKey = key();
  const signer = accountOfKey(signerKey);
  const keys = await deriveEncryptionKeys(new Uint8Array(randomBytes(32)));
  const buyer = market.as(consumer).agreements;
  await buyer.accept({ id, ...terms }, named.signer ?? signer, named.encryptionKey ?? keys.publicKey);
  await market.finalise();
  const { domain } = ports.agreements as Agreements;
  const { agreement } = await (ports.agreements as Agreements).readAgreement(id, 'latest');
  if (agreement === null) throw new Error('no agreement');
  const service = clientOf(ports, signerKey, id);
  let sequence = 0;
  let read = 0;
  const seal = (plaintext: Uint8Array, by: PrivateKey = signerKey, number = sequence++) =>
    sealMessage(
      domain,
      { agreement: id, from: accountOfKey(by), to: seller.agent, sequence: number },
      agreement.ownerEncryptionKey,
      by,
      plaintext,
    );
  const voucher = (due: bigint, by: PrivateKey = signerKey) => ({
    due,
    signature: signVoucher(domain, { agreement: id, due }, by),
  });
  return {
    ...{ id, terms, consumer, buyer, signerKey, signer, service, seal, voucher, agreement },
    async ask(asked: readonly BlockIndex[], due?: bigint) {
      const request = { blocks: asked, voucher: due === undefined ? null : voucher(due) };
      await service.postMessage(await seal(encodeKeyRequest(request)));
    },
    /** What the owner has answered since. */
    async receive(): Promise<{ keys: KeyPayload[]; refusals: KeyRefusal[]; sequences: number[] }> {
      const found = { keys: [] as KeyPayload[], refusals: [] as KeyRefusal[], sequences: [] as number[] };
      for (let next: number | null = read; next !== null; ) {
        const page: Awaited<ReturnType<typeof service.listMessages>> = await service.listMessages(id, {
          ...{ from: seller.agent, sequence: next },
        });
        for (const message of page.messages) {
          const plaintext = await openMessage(domain, message, keys.privateKey);
          const refusal = decodeKeyRefusal(plaintext);
          if (refusal === null) found.keys.push(decodeKeyPayload(plaintext));
          else found.refusals.push(refusal);
          found.sequences.push(message.sequence);
          read = message.sequence + 1;
        }
        next = page.next;
      }
      return found;
    },
  };
}

export function indicesOf(keys: readonly KeyPayload[]): BlockIndex[] {
  return keys.flatMap(({ blocks: given }) => given.map(({ index }) => index));
}

/** The blocks whose content these keys open. */
export function openedBy(keys: readonly KeyPayload[]): BlockIndex[] {
  return keys.flatMap((payload) =>
    payload.blocks.map(({ index }) => index).filter((index) => contentKeyOf(nodePrimitives, payload, index) !== null),
  );
}
