import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import type { SignedCharter } from '../core/charter/charter.ts';
import type { DatasetId } from '../core/ids.ts';
import { deriveAgentSecrets } from '../core/keys.ts';
import type { ChainCharter } from '../core/ports/ledger.ts';
import type { Agent } from './agent-file.ts';
import { type Connection, openLedger } from './connection.ts';
import type { DatasetEntry } from './dataset-list.ts';
import { newestPoint } from './open-contracts.ts';
import { datasetKeyOf, type OpenedOwner } from './opened-owner.ts';
import { requireOcasc } from './require-contract.ts';

/**
 * All that serves an owner's sales of these datasets: the agent's account, and the keys of every device that the chain or the
 * list knows.
 * @throws FileError where the connection names no OCASC; LedgerUnavailableError when the chain cannot be read
 */
export async function openAgent(
  connection: Connection,
  opened: OpenedOwner,
  entries: readonly Pick<DatasetEntry, 'name' | 'dataset' | 'charters'>[],
  signal?: AbortSignal,
): Promise<Agent> {
  const { rpcUrl, chainId, finalDepth, dissc, apiUrl, fromBlock } = connection;
  const { agentKey, offersSecret } = deriveAgentSecrets(nodePrimitives, opened.seed);
  const ocasc = requireOcasc(connection);
  const { blockNumber } = await newestPoint(connection, signal);
  const owned = { owner: opened.address };
  const onChain = await openLedger(connection).findChartered(owned, fromBlock, blockNumber, signal);
  const datasets = entries.map(({ name, dataset, charters }) => {
    const keyOf = datasetKeyOf(opened, dataset);
    const keys = serialsOf(dataset, charters, onChain).map((serial) => ({ serial, datasetKey: keyOf(serial) }));
    return { name, dataset, keys };
  });
  return {
    ...{ rpcUrl, chainId, finalDepth, dissc, ocasc, apiUrl, fromBlock },
    ...{ owner: opened.address, agentKey, offersSecret, datasets },
  };
}

/** Those of all charters that are known here or on the chain; one that named no new device gives a key that opens nothing. */
function serialsOf(dataset: DatasetId, known: readonly SignedCharter[], onChain: readonly ChainCharter[]): number[] {
  const found = onChain.filter((charter) => charter.dataset === dataset).map(({ charter }) => charter.serial);
  return [...new Set([...known.map(({ serial }) => serial), ...found])].sort((a, b) => a - b);
}
