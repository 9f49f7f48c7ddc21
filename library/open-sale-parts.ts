import { join } from 'node:path';
import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../adapters/ethereum/account-signer.ts';
import { createJsonRpc } from '../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../adapters/ethereum/ocasc-party.ts';
import { readChainPoint } from '../adapters/ethereum/read-chain-point.ts';
import { createSentTransactionFiles } from '../adapters/ethereum/sent-transaction-files.ts';
import { signMessage } from '../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import { ClaimPace } from '../client/sale/claim-pace.ts';
import { PreparedAnswers } from '../client/sale/prepared-answers.ts';
import type { SaleEvent } from '../client/sale/sale-event.ts';
import type { SaleParts } from '../client/sale/sale-parts.ts';
import type { SaleState } from '../client/sale/sale-state.ts';
import { createStorageServiceClient } from '../client/service/storage-service-client.ts';
import { accountOfKey } from '../core/typed-data.ts';
import type { Agent } from './agent-file.ts';
import { fetchManifest } from './fetch-manifest.ts';

/** Everything the owner's side of sales reaches the world through. */
export function openSaleParts(agent: Agent, state: SaleState, onEvent: (event: SaleEvent) => void): SaleParts {
  const { rpcUrl, chainId, finalDepth, ocasc, apiUrl, agentKey, owner, offersSecret, fromBlock } = agent;
  const chain = { rpcUrl, chainId, finalDepth, ocasc };
  const rpc = createJsonRpc(chain);
  const account = {
    address: accountOfKey(agentKey),
    signMessage: (message: Uint8Array) => signMessage(agentKey, message),
  };
  return {
    ...{ primitives: nodePrimitives, owner, agentKey, offersSecret, state, fromBlock, onEvent, fetchManifest },
    datasetKeys: new Map(
      agent.datasets.map(({ dataset, keys }) => [
        dataset,
        new Map(keys.map(({ serial, datasetKey }) => [serial, datasetKey])),
      ]),
    ),
    market: createOcascLedger(chain),
    party: createOcascParty({
      ...chain,
      signer: createKeySigner(agentKey),
      sent: createSentTransactionFiles(join(state.folder, 'sent'), chainId, account.address),
      onHeldUp: (heldUp) => onEvent({ event: 'held-up', agreement: null, heldUp }),
    }),
    runtime: nodeRuntime,
    claimPace: new ClaimPace(),
    prepared: new PreparedAnswers(),
    readPoint: (anchor, signal) => readChainPoint(rpc, anchor, signal),
    serviceFor: (agreement) =>
      createStorageServiceClient({ runtime: nodeRuntime, apiUrl, chainId, account, agreement }),
  };
}
