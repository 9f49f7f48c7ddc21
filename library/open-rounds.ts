import { join } from 'node:path';
import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { createDisscRounds } from '../adapters/ethereum/dissc-rounds.ts';
import { createSignatureFinder } from '../adapters/ethereum/find-signature.ts';
import { openHeadMemory } from '../adapters/sqlite/head-memory.ts';
import type { RoundSources } from '../client/growth/round-standing.ts';
import { createRoundView } from '../client/growth/round-view.ts';
import type { DatasetId } from '../core/ids.ts';
import type { HeadMemory, SeenHeads } from '../core/ports/head-memory.ts';
import type { StorageService } from '../core/ports/service.ts';
import type { Connection } from './connection.ts';
import type { DatasetEntry } from './dataset-list.ts';

/**
 * What rounds are read and checked with, and what this home remembers of them.
 * @param home null: nothing is remembered from one program to the next
 * @param service null: nobody is asked, and a round counts that was seen here earlier
 * @throws FileError when what was seen earlier cannot be read
 */
export function openRounds(
  home: string | null,
  connection: Connection,
  service: Pick<StorageService, 'getAnchor'> | null,
  entries: readonly Pick<DatasetEntry, 'dataset' | 'charters'>[],
): RoundSources {
  const hasher = nodePrimitives;
  const memory = home === null ? null : asItWas(openMemory(home, connection));
  const { fromBlock, isOneOperator, roundLimitMs } = connection;
  const reader = createDisscRounds(connection);
  const view = createRoundView({ hasher, reader, fromBlock, memory });
  const charters = new Map(entries.map((entry) => [entry.dataset, entry.charters]));
  return {
    ...{ hasher, reader, view, service, memory, isOneOperator, roundLimitMs },
    chartersOf: (dataset) => charters.get(dataset) ?? [],
    findSignature: createSignatureFinder(connection),
  };
}

/**
 * The heads that this home has seen, of one chain and contract: `heads-<chainId>-<dissc>.sqlite`.
 * @throws FileError when what was seen earlier cannot be read
 */
export function openMemory(home: string, { chainId, dissc }: Pick<Connection, 'chainId' | 'dissc'>): HeadMemory {
  return openHeadMemory(nodePrimitives, join(home, `heads-${chainId}-${dissc.slice(2)}.sqlite`));
}

/** What was seen before this command: it looks at a dataset several times, and what it has seen itself is no memory. */
function asItWas(memory: HeadMemory): HeadMemory {
  const before = new Map<DatasetId, SeenHeads | null>();
  return {
    ...memory,
    readHeads(dataset) {
      const seen = before.get(dataset);
      if (seen !== undefined) return seen;
      const read = memory.readHeads(dataset);
      before.set(dataset, read);
      return read;
    },
  };
}
