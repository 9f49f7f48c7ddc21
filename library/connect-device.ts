import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../adapters/ethereum/account-signer.ts';
import { createDisscFinality } from '../adapters/ethereum/dissc-finality.ts';
import { createDisscLedger } from '../adapters/ethereum/dissc-ledger.ts';
import { createDisscPublisher } from '../adapters/ethereum/dissc-publisher.ts';
import { createDisscRecorder } from '../adapters/ethereum/dissc-recorder.ts';
import { createDisscRounds } from '../adapters/ethereum/dissc-rounds.ts';
import { createSentTransactionFiles } from '../adapters/ethereum/sent-transaction-files.ts';
import { nodeTransfer } from '../adapters/http/node-transfer.ts';
import { signMessage } from '../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../client/service/storage-service-client.ts';
import type { HeldUp } from '../core/ports/sent-transactions.ts';
import type { DeviceParts } from '../device/device-options.ts';
import type { Report } from '../device/events.ts';
import type { Outbox } from '../device/outbox/open-outbox.ts';
import type { Provision } from '../device/provision/read-provision.ts';

/**
 * Everything a device reaches the world through, by its provision file: the service, the store and the chain.
 *
 * @example
 * import { openOutbox } from 'plumbline/device/outbox/open-outbox';
 * import { readProvision } from 'plumbline/device/provision/read-provision';
 * const provision = await readProvision(deviceFile);
 * const outbox = openOutbox(`${out}.sqlite`, { ...provision, kind: provision.charter.kind });
 * const { account, service } = connectDevice(provision, outbox, 'relayed', ({ event }) => console.log(event));
 * const { batches } = await service.listBatches(provision.dataset, { by: 'block', from: 0, to: 3 });
 * outbox.close();
 * console.log(account === provision.account, batches.length); // true 1
 */
export function connectDevice(
  provision: Provision,
  outbox: Outbox,
  record: 'relayed' | 'direct',
  report: Report,
): Omit<DeviceParts, 'outbox' | 'source' | 'clock' | 'report'> {
  const { rpcUrl, chainId, finalDepth, dissc, apiUrl, account, charter, devicePrivateKey: key } = provision;
  const { dataset, serial, datasetKey } = provision;
  const chain = { rpcUrl, chainId, finalDepth, dissc };
  const signer = createKeySigner(key);
  const ledger = createDisscLedger(chain);
  const rounds = createDisscRounds(chain);
  const sending = {
    sent: createSentTransactionFiles(`${outbox.path}-sent`, chainId, account),
    onHeldUp: (heldUp: HeldUp) => report({ event: 'held-up', heldUp }),
  };
  return {
    primitives: nodePrimitives,
    runtime: nodeRuntime,
    transfer: nodeTransfer,
    account,
    charter,
    writer: { dataset, kind: charter.kind, serial, datasetKey, deviceKey: key, domain: { chainId, dissc } },
    ledger,
    rounds,
    finality: createDisscFinality(chain, { ledger, rounds }),
    service: createStorageServiceClient({
      runtime: nodeRuntime,
      ...{ apiUrl, chainId },
      account: { address: account, signMessage: (message) => signMessage(key, message) },
    }),
    ...(record === 'direct' ? { recorder: createDisscRecorder({ ...chain, signer }) } : {}),
    ...(provision.published
      ? { publication: { publisher: createDisscPublisher({ ...chain, signer, ...sending }), reader: ledger } }
      : {}),
  };
}
