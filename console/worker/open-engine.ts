import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { createChainBlocks } from '../../adapters/ethereum/chain-blocks.ts';
import { createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { createSignatureFinder } from '../../adapters/ethereum/find-signature.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { downloadPresigned } from '../../adapters/service/download-presigned.ts';
import type { RoundSources } from '../../client/growth/round-standing.ts';
import { createRoundView } from '../../client/growth/round-view.ts';
import { type Download, type OpenSource, sourceOfBucket, sourceOfService } from '../../client/owner/block-source.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import type { DatasetId } from '../../core/ids.ts';
import { address } from '../../core/ids.ts';
import { browserRuntime } from './browser-runtime.ts';
import { readerOfBucket } from './bucket-reader.ts';
import type { Connection } from './connection.ts';
import { createHeadMemory } from './head-memory.ts';
import type { ReaderKeys } from './reader-keys.ts';

/** A chain, a contract and a service, as one reader sees them. */
export interface Engine extends Connection {
  readonly reader: ReturnType<typeof createDisscRounds>;
  readonly market: ReturnType<typeof createOcascLedger> | null;
  readonly chainBlocks: ReturnType<typeof createChainBlocks>;
  readonly memory: RoundSources['memory'];
  /** Requests to the service, in this reader's name. */
  serviceOf(keys: ReaderKeys): ReturnType<typeof createStorageServiceClient>;
  /** Rounds as they are now; what was seen earlier in this page is compared. */
  roundsOf(keys: ReaderKeys): RoundSources;
  /** Where stored blocks come from: the bucket itself where the reader has its keys, else the service. */
  sourceOf(keys: ReaderKeys, dataset: DatasetId): OpenSource;
  readonly bucketOf: (keys: ReaderKeys) => ReturnType<typeof readerOfBucket> | null;
}

/** Everything else that is asked of a connection. */
export function openEngine(connection: Connection): Engine {
  const { file, origin, chain } = connection;
  const { chainId, fromBlock } = file;
  const dissc = address(file.dissc);
  const primitives = portablePrimitives;
  const reader = createDisscRounds({ ...chain, dissc });
  const memory = createHeadMemory();
  const findSignature = createSignatureFinder({ ...chain, dissc });
  const download = downloadThrough(origin, file.bucketOrigin);
  const serviceOf = ({ account }: ReaderKeys) =>
    createStorageServiceClient({ apiUrl: file.apiUrl ?? origin, chainId, account, runtime: browserRuntime });
  const bucketOf = ({ bucket }: ReaderKeys) => (bucket === null ? null : readerOfBucket(bucket, download));
  return {
    ...connection,
    ...{ reader, memory, serviceOf, bucketOf },
    market: file.ocasc === null ? null : createOcascLedger({ ...chain, ocasc: address(file.ocasc) }),
    chainBlocks: createChainBlocks(chain),
    roundsOf: (keys) => ({
      ...{ hasher: primitives, reader, memory, findSignature },
      view: createRoundView({ hasher: primitives, reader, fromBlock, memory }),
      service: serviceOf(keys),
      chartersOf: (dataset) => keys.charters.get(dataset) ?? [],
      ...{ isOneOperator: file.isOneOperator, roundLimitMs: file.roundLimitMs },
    }),
    sourceOf(keys, dataset) {
      const bucket = bucketOf(keys);
      return bucket === null
        ? sourceOfService({ primitives, service: serviceOf(keys), download }, dataset)
        : sourceOfBucket({ primitives, bucket });
    },
  };
}

/** Objects of the bucket come through the page's own origin, where the server offers that: then no other is asked. */
function downloadThrough(origin: string, bucketOrigin: string | null): Download {
  if (bucketOrigin === null) return downloadPresigned;
  return (get, maxBytes, signal) => {
    const url = new URL(get.url);
    if (url.origin !== bucketOrigin) return downloadPresigned(get, maxBytes, signal);
    const { host: _, ...headers } = get.headers;
    return downloadPresigned(
      { ...get, url: `${origin}/console/bucket${url.pathname}${url.search}`, headers },
      maxBytes,
      signal,
    );
  };
}
