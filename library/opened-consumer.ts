import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { signMessage } from '../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import { countTraffic, type Traffic } from '../adapters/service/count-traffic.ts';
import { httpTransport } from '../adapters/service/http-transport.ts';
import { type KeyChannel, openKeyChannel } from '../client/consumer/key-channel.ts';
import { openPurchase, type Purchase } from '../client/consumer/open-purchase.ts';
import type { PurchaseStore } from '../client/consumer/purchase-state.ts';
import { createStorageServiceClient } from '../client/service/storage-service-client.ts';
import {
  deriveEncryptionKeys,
  type EncryptionPrivateKey,
  type EncryptionPublicKey,
} from '../core/agreement/seal-message.ts';
import { fromHex, to0x } from '../core/bytes.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Address, AgreementId, PrivateKey } from '../core/ids.ts';
import { deriveConsumerSecrets } from '../core/keys.ts';
import type { AgreementMarket, AgreementParty } from '../core/ports/agreements.ts';
import type { AgreementService, StorageService } from '../core/ports/service.ts';
import { accountOfKey } from '../core/typed-data.ts';
import type { Connection } from './connection.ts';
import { openMarket, openParty } from './open-contracts.ts';
import type { SenderHome } from './open-sender.ts';
import type { OpenedOwner } from './opened-owner.ts';
import { openPurchaseFile } from './purchase-file.ts';

/** What a consumer made for one agreement. */
export interface PurchaseKeys {
  readonly signer: Address;
  readonly signerKey: PrivateKey;
  readonly publicKey: EncryptionPublicKey;
  readonly privateKey: EncryptionPrivateKey;
}

/** A consumer whose keys are open. */
export interface OpenedConsumer {
  readonly account: Address;
  readonly connection: Connection;
  readonly market: AgreementMarket;
  readonly party: AgreementParty;
  keysOf(agreement: AgreementId): Promise<PurchaseKeys>;
}

/** An agreement id as it is typed. @throws ArgumentError unless 32 bytes of hex */
export function parseAgreementId(text: string): AgreementId {
  return to0x(fromHex(text.toLowerCase(), 'agreement id', 32)) as AgreementId;
}

/**
 * A consumer of these keys: every agreement has keys of its own, which follow from the mnemonic.
 * @throws FileError where the connection names no OCASC
 */
export function openConsumer(home: SenderHome, connection: Connection, opened: OpenedOwner): OpenedConsumer {
  return {
    ...{ account: opened.address, connection, market: openMarket(connection) },
    party: openParty(home, connection, opened),
    async keysOf(agreement) {
      const { signerKey, encryptionSeed } = deriveConsumerSecrets(nodePrimitives, opened.seed, agreement);
      return { signer: accountOfKey(signerKey), signerKey, ...(await deriveEncryptionKeys(encryptionSeed)) };
    },
  };
}

/** All that is needed to work on an accepted agreement. */
export interface OpenedPurchase {
  readonly consumer: OpenedConsumer;
  readonly purchase: Purchase;
  readonly keys: PurchaseKeys;
  readonly store: PurchaseStore;
  readonly service: StorageService & AgreementService;
  readonly traffic: Readonly<Traffic>;
  /** Opens the mailbox; `distrusted` fills with what was not believed. */
  channel(patienceMs: number): { readonly channel: KeyChannel; readonly distrusted: readonly string[] };
}

const POLL_MS = 250;
const MAX_DISTRUSTED = 50;

/** @throws ArgumentError when there is no such agreement, or these keys did not accept it */
export async function openConsumerPurchase(
  home: string,
  consumer: OpenedConsumer,
  id: AgreementId,
  signal?: AbortSignal,
): Promise<OpenedPurchase> {
  const { connection, market } = consumer;
  const purchase = await openPurchase(market, id, 'latest', signal);
  const keys = await consumer.keysOf(id);
  if (purchase.buyer.signer !== keys.signer) {
    throw new ArgumentError(
      `${purchase.buyer.consumer} accepted agreement ${id}, with another key. Give the --home of that consumer.`,
    );
  }
  const store = await openPurchaseFile(home, id);
  const { transport, traffic } = countTraffic(httpTransport);
  const { apiUrl, chainId } = connection;
  const account = { address: keys.signer, signMessage: (message: Uint8Array) => signMessage(keys.signerKey, message) };
  const service = createStorageServiceClient({
    runtime: nodeRuntime,
    apiUrl,
    chainId,
    account,
    agreement: id,
    transport,
  });
  return {
    ...{ consumer, purchase, keys, store, service, traffic },
    channel(patienceMs) {
      const distrusted: string[] = [];
      const channel = openKeyChannel({
        ...{ runtime: nodeRuntime, service, domain: market.domain, purchase, store, patienceMs, pollMs: POLL_MS },
        ...{ signerKey: keys.signerKey, encryptionKey: keys.privateKey },
        onDistrusted: (reason) => void (distrusted.length < MAX_DISTRUSTED && distrusted.push(reason)),
      });
      return { channel, distrusted };
    },
  };
}
