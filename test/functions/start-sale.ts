import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Wallet } from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { type AccountSigner, createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createAscParty } from '../../adapters/ethereum/asc-party.ts';
import { deployContracts, deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../adapters/ethereum/deployable-asc.ts';
import { deployableOcasc } from '../../adapters/ethereum/deployable-ocasc.ts';
import { disscInterface, encodeRecord } from '../../adapters/ethereum/dissc-interface.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../../adapters/ethereum/ocasc-party.ts';
import { createCallSender } from '../../adapters/ethereum/send-call.ts';
import { gatewayEventFromRequest } from '../../adapters/http-signature/gateway-event.ts';
import type { Transport } from '../../adapters/service/transport.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import type { EncryptionPublicKey } from '../../core/agreement/seal-message.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { type DatasetWriter, type SealedBatch, sealBatch } from '../../core/batch/seal-batch.ts';
import { to0x } from '../../core/bytes.ts';
import { type Charter, datasetOfCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { PLAIN } from '../../core/charter/kind.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { type Address, type AgreementId, type DatasetKey, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import { growthOfLeaves } from '../../core/log/build-growth.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import type { GrantTerms } from '../../core/ports/grants.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { HttpAnswer } from '../../functions/answer/problem.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import type { ServicePorts, ServiceSettings } from '../../functions/ports.ts';
import { rememberGrant } from '../../functions/state/grant-entry.ts';
import type { RouteName } from '../../functions/table.ts';
import { fund } from '../../local/stack/fund.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';
import { handlerOf } from './handler-of.ts';
import { blocks, key, type ProcessPorts, putObject, type StoresOptions, startStores } from './start-service.ts';

const NATIVE = `0x${'00'.repeat(20)}` as Address;
/** Nothing is sent to it. */
export const SOME_KEY = new Uint8Array(32).fill(9) as EncryptionPublicKey;
export const BATCHES = [48, 16];
export const WINDOW_SECONDS = 2;
const FIRST_SERIAL = 1_700_000_000;

/** A chain with the three contracts, stores, and a service that reads that chain; its clock is the tests' to move. */
export async function startMarket(options: StoresOptions = {}) {
  const stores = await startStores(undefined, options);
  const anvil = await startAnvil({ stateFile: null, mining: 'instant' });
  const { rpcUrl, chainId } = anvil;
  const rpc = createJsonRpc({ rpcUrl, chainId });
  /** An account with ether, and the key it signs with. */
  const funded = async () => {
    const privateKey = key();
    const signer = createKeySigner(privateKey);
    await fund(rpc, signer.account, 10n ** 21n);
    return { ...signer, privateKey };
  };
  const css = await funded();
  const dissc = disscAddress();
  const [ocascCode, ascCode] = [
    deployableOcasc({ dissc, minWindowSeconds: WINDOW_SECONDS, answerGas: 200_000, demandGas: 100_000 }),
    deployableAsc({ dissc }),
  ];
  await deployContracts({ rpcUrl, chainId, signer: css }, [DISSC, ocascCode, ascCode]);
  const [ocasc, asc] = [deployedAddress(ocascCode), deployedAddress(ascCode)];
  const settings: ServiceSettings = { ...stores.ports.settings(), cssAccount: css.account };
  const ports: ProcessPorts = {
    ...stores.ports,
    ledger: createDisscLedger({ rpcUrl, chainId, dissc }),
    agreements: createOcascLedger({ rpcUrl, chainId, ocasc }),
    grants: createAscLedger({ rpcUrl, chainId, asc }),
    settings: () => settings,
  };
  const as = (signer: AccountSigner) => ({
    grants: createAscParty({ rpcUrl, chainId, asc, signer }),
    agreements: createOcascParty({ rpcUrl, chainId, ocasc, signer }),
    calls: createCallSender({ rpcUrl, chainId, signer }),
  });
  return {
    ...{ stores, ports, rpc, css, domain: { chainId, ocasc }, funded, as },
    contracts: { rpcUrl, chainId, dissc, ocasc, asc },
    /** What has been mined so far is final then. */
    finalise: () => rpc.call('anvil_mine', ['0x2']),
    /** Moves the chain's clock, not the service's. */
    passSeconds: async (seconds: number) => {
      await rpc.call('evm_increaseTime', [seconds]);
      await rpc.call('anvil_mine', ['0x1']);
    },
    /** The same service in another process, as far as it can be told: nothing in memory is shared but its stores' clients. */
    anotherProcess: (change: Partial<ServicePorts> = {}): ServicePorts => ({ ...ports, ...change }),
    async stop() {
      await anvil.stop();
      await stores.close();
    },
  };
}

export type Market = Awaited<ReturnType<typeof startMarket>>;

export interface SaleChange {
  readonly terms?: Partial<Terms>;
  /** Null for a sale without a grant. */
  readonly grant?: Partial<GrantTerms> | null;
  /** Whether the operator serves the owner; true when absent. */
  readonly served?: boolean;
}

/** A recorded dataset of 64 blocks in two batches, a grant for the service, and an accepted agreement about all of it. */
export async function makeSale(market: Market, change: SaleChange = {}) {
  const { stores, ports, contracts, css } = market;
  const { chainId, dissc } = contracts;
  const [owner, consumer, agentKey, signerKey] = [await market.funded(), await market.funded(), key(), key()];
  if (change.served !== false) stores.owners.set(owner.account, 2 ** 40);
  const deviceKey = key();
  const party = market.as(owner);
  const name = encodeDatasetName(randomBytes(8).toString('hex'));
  const charter: Charter = {
    owner: owner.account,
    name,
    kind: PLAIN,
    device: accountOfKey(deviceKey),
    anchorer: NO_ACCOUNT,
    serial: FIRST_SERIAL,
    from: 0,
  };
  const domain = { chainId, dissc };
  const dataset = datasetOfCharter(domain, charter);
  const datasetKey = new Uint8Array(32) as DatasetKey;
  const writer: DatasetWriter = { dataset, kind: PLAIN, serial: FIRST_SERIAL, deviceKey, datasetKey, domain };
  let end = EMPTY_PEAKS;
  const batches: SealedBatch[] = BATCHES.map((count) => {
    const sealed = sealBatch(nodePrimitives, writer, end, blocks(Array(count).fill(40)), new Uint8Array(16));
    end = sealed.end;
    return sealed;
  });
  const { head, signature } = (batches.at(-1) as SealedBatch).manifest;
  const leaves = batches.flatMap(({ leafHashes }) => leafHashes);
  const { peaks, appended } = growthOfLeaves(nodePrimitives, EMPTY_PEAKS, leaves);
  const signed = { ...charter, signature: signCharter(domain, charter, owner.privateKey) };
  const update = { dataset, ...head, signature, peaks, appended };
  const recorded = encodeRecord({ charters: [signed], updates: [update] });
  await party.calls.inTurn((send) =>
    send({ contract: { name: 'DISSC', at: dissc, abi: disscInterface }, data: recorded }),
  );
  // Sent past the owner's list, so that a dataset of somebody who is not served any more is there too.
  const wasServed = stores.owners.has(owner.account);
  stores.owners.set(owner.account, 2 ** 40);
  for (const { segment } of batches) {
    await putObject(stores, segment.key, segment.car);
    await ingestSegment(ports, segment.key);
  }
  if (!wasServed) stores.owners.delete(owner.account);

  const grantTo = async (terms: Partial<GrantTerms> = {}, by = css) => {
    const { grant } = await party.grants.authorise(
      { name, kind: PLAIN },
      {
        ...{ dataset, css: by.account, perRecordWei: 0n, first: 0, count: 64, digests: true, blocks: true },
        ...{ maxBlocks: 4096, windowSeconds: 60, intervalSeconds: 0 },
        ...{ untilSeconds: Math.floor(Date.now() / 1000) + 86_400, ...terms },
      },
    );
    await market.as(by).grants.accept(grant);
    await rememberGrant(stores.table, dataset, grant);
    return grant;
  };
  const grant = change.grant === null ? null : await grantTo(change.grant);
  const terms: Terms = {
    ...{ dataset, first: 0, count: 64, token: NATIVE, price: 6_410n, fee: 10n, bond: 500n, stakeWei: 1n },
    ...{ maxChallenges: 4, maxDemands: 4, samples: 4, previews: 0, windowSeconds: WINDOW_SECONDS },
    durationSeconds: 3600,
    ...{ acceptBySeconds: 2n ** 64n - 1n, consumer: NATIVE, ...change.terms },
  };
  const { id } = await party.agreements.offer({ name, kind: PLAIN }, terms, accountOfKey(agentKey), SOME_KEY);
  const accept = () => market.as(consumer).agreements.accept({ id, ...terms }, accountOfKey(signerKey), SOME_KEY);
  const voucher = (due: bigint, of: AgreementId = id, by: PrivateKey = signerKey) =>
    [{ agreement: id, due }, signVoucher(market.domain, { agreement: of, due }, by)] as const;
  await accept();
  await market.finalise();
  return {
    ...{ id, dataset, name, terms, batches, grant, grantTo, voucher, owner, consumer, agentKey, signerKey, deviceKey },
    party: party,
    buyer: market.as(consumer),
    signer: clientOf(ports, signerKey, id),
    agent: clientOf(ports, agentKey, id),
  };
}

export type Sale = Awaited<ReturnType<typeof makeSale>>;

/** Asks again where the service says to: on a busy machine a store's connection may break off. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || attempt === 8) throw error;
      await sleep(1000 * attempt * Math.random());
    }
  }
}

/** The service as an account calls it, requests signed, straight into handlers of its own. */
export function clientOf(ports: ServicePorts, accountKey: PrivateKey, agreement?: AgreementId) {
  const wallet = new Wallet(to0x(accountKey));
  return createStorageServiceClient({
    runtime: ports.runtime,
    ...{ apiUrl: 'https://api.plumbline.example', chainId: ports.ledger.domain.chainId },
    ...(agreement === undefined ? {} : { agreement }),
    transport: handlersOf(ports),
    account: { address: wallet.address, signMessage: (message) => wallet.signMessage(message) },
  });
}

function handlersOf(ports: ServicePorts): Transport {
  type Handle = (event: unknown, context: object) => Promise<HttpAnswer>;
  const handlers = new Map<RouteName, Promise<Handle>>();
  return async (called, request) => {
    const route = called.name as RouteName;
    const handler = handlers.get(route) ?? handlerOf<HttpAnswer>(route, ports);
    handlers.set(route, handler);
    const answer = await (await handler)(gatewayEventFromRequest(request), {});
    const body = Buffer.from(answer.body, answer.isBase64Encoded ? 'base64' : 'utf8');
    return { status: answer.statusCode, headers: { ...answer.headers }, body: new Uint8Array(body) };
  };
}
