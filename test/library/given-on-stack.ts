import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { downloadPresigned } from '../../adapters/service/download-presigned.ts';
import { readPurchaseLog } from '../../client/consumer/open-purchase.ts';
import { sourceOfService } from '../../client/owner/block-source.ts';
import { openSaleState } from '../../client/sale/sale-state.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import { deriveAgentSecrets } from '../../core/keys.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { openBucket, openLedger, openService, readConnection } from '../../library/connection.ts';
import { readDatasets } from '../../library/dataset-list.ts';
import { fetchManifest } from '../../library/fetch-manifest.ts';
import type { Owner } from '../../library/index.ts';
import { openAgent } from '../../library/open-agent.ts';
import { openDisscOwner, openGranter, openGrants, openMarket, openParty } from '../../library/open-contracts.ts';
import { openLooker } from '../../library/open-looker.ts';
import { openRounds } from '../../library/open-rounds.ts';
import { openSaleParts } from '../../library/open-sale-parts.ts';
import { openConsumer, openConsumerPurchase, parseAgreementId } from '../../library/opened-consumer.ts';
import { datasetKeyOf, openKeystore } from '../../library/opened-owner.ts';
import { type LibraryStack, PASSWORD } from './library-stack.ts';

/** What examples of client/ take for granted, of the dataset `weather` on this stack, and of an agreement about it that its consumer has accepted. */
export async function givenOnStack(stack: LibraryStack, library: Owner, agreement: string) {
  const connection = await readConnection({ stack: stack.stack, home: stack.home });
  const ownerHome = { home: stack.home, onHeldUp: () => {} };
  const consumerHome = { home: stack.consumerHome, onHeldUp: () => {} };
  const owner = await openKeystore(stack.home, PASSWORD);
  const entries = await readDatasets(stack.home);
  const { dataset, charters } = entries.find(({ name }) => name === 'weather') as (typeof entries)[number];
  const service = await openService(connection, owner, 'http');
  const bucket = await openBucket(connection);
  const ledger = openLedger(connection);
  const consumer = openConsumer(consumerHome, connection, await openKeystore(stack.consumerHome, PASSWORD));
  const opened = await openConsumerPurchase(stack.consumerHome, consumer, parseAgreementId(agreement));
  const { agentKey, offersSecret } = deriveAgentSecrets(nodePrimitives, owner.seed);
  const { chainId, ocasc } = connection;
  const agent = accountOfKey(agentKey);
  const identity = { chainId, ocasc: ocasc as typeof agent, owner: owner.address, agent };
  const state = openSaleState(stack.path('sales-of-examples'), identity);
  const given = {
    ...{ primitives: nodePrimitives, runtime: nodeRuntime, connection, fromBlock: 0, operator: stack.operator },
    ...{ agent, agreement, bucket, charters, dataset, fetchManifest, ledger, offersSecret, owner, service },
    ...{ datasetKeyOf: datasetKeyOf(owner, dataset), rounds: openRounds(stack.home, connection, service, entries) },
    openSource: sourceOfService({ primitives: nodePrimitives, service, download: downloadPresigned }, dataset),
    ...{ market: openMarket(connection), grants: openGrants(connection), looker: openLooker(connection) },
    ...{ granter: openGranter(ownerHome, connection, owner), disscOwner: openDisscOwner(ownerHome, connection, owner) },
    ...{ ownerParty: openParty(ownerHome, connection, owner), party: consumer.party, keys: opened.keys },
    ...{ purchase: opened.purchase, purchaseStore: opened.store, consumerService: opened.service },
    ...{ signerKey: opened.keys.signerKey, encryptionKey: opened.keys.privateKey },
    ...{ channel: opened.channel(60_000).channel, sales: `${stack.home}/sales` },
    purchaseLog: await readPurchaseLog(ledger, opened.purchase, 0, null),
    saleParts: openSaleParts(await openAgent(connection, owner, entries), state, () => {}),
    evidence: parseEvidence((await library.prove('weather', { blocks: { from: 0, to: 3 } })).file),
  };
  const close = (): void => {
    bucket?.close();
    state.close();
  };
  return { given, close };
}
