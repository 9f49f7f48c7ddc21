import { type Result, zeroPadValue } from 'ethers';
import { fromHex } from '../../core/bytes.ts';
import { type Address, address, type DatasetId, type LogRoot, type Nonce, type Salt } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type {
  EventScanner,
  Ledger,
  LinkReader,
  PublishedReader,
  RecordedEvent,
  RecordedReader,
} from '../../core/ports/ledger.ts';
import { callAt } from './call-at.ts';
import { decodeChartered } from './decode-charter.ts';
import { decodeHeads } from './decode-state.ts';
import { disscInterface } from './dissc-interface.ts';
import { decode, findLogs, type LogQuery } from './find-logs.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { createDeviceReader } from './read-devices.ts';

export interface DisscLedgerOptions extends JsonRpcOptions {
  readonly dissc: Address;
}

type Indexed = LogQuery['indexed'];

// A head reads two slots and takes about 5,500 gas; none may take more than 16,777,216.
const HEADS_PER_CALL = 2_500;
/** Values of one topic in a filter; nodes take a thousand and more, hosted ones fewer. */
const DATASETS_PER_FILTER = 250;

/** DISSC read through one Ethereum node; all answers of one call belong to one block, named by its hash. */
export function createDisscLedger(
  options: DisscLedgerOptions,
): Ledger & EventScanner & RecordedReader & LinkReader & PublishedReader {
  const { chainId, dissc } = options;
  const domain = { chainId, dissc };
  const view = { rpc: createJsonRpc(options), name: 'DISSC', at: dissc, patienceMs: options.patienceMs };

  async function findRecorded(indexed: Indexed, fromBlock: number, toBlock: number, signal?: AbortSignal) {
    const logs = await findLogs(view, disscInterface, { event: 'Recorded', indexed, fromBlock, toBlock }, signal);
    return logs.map(({ values, blockHash: _, ...place }) => ({
      dataset: values.dataset.toLowerCase() as DatasetId,
      signer: address(values.signer),
      size: Number(values.size),
      root: fromHex(values.root, 'root', 32) as LogRoot,
      appended: hashesOf(values.appended),
      ...place,
    }));
  }

  async function findChartered(indexed: Indexed, fromBlock: number, toBlock: number, signal?: AbortSignal) {
    const logs = await findLogs(view, disscInterface, { event: 'Chartered', indexed, fromBlock, toBlock }, signal);
    return logs.map((log) => decode(view, () => decodeChartered(domain, log)));
  }

  return {
    domain,

    async readHeads(datasets, anchor, signal) {
      const calls: string[] = [];
      for (let i = 0; i < datasets.length; i += HEADS_PER_CALL) {
        calls.push(disscInterface.encodeFunctionData('heads', [datasets.slice(i, i + HEADS_PER_CALL)]));
      }
      const { point, results } = await callAt(view, calls, anchor, signal);
      const heads = results.flatMap((result, call) => {
        const asked = datasets.slice(call * HEADS_PER_CALL, (call + 1) * HEADS_PER_CALL);
        return result === null ? asked.map(emptyHead) : decode(view, () => decodeHeads(asked, result));
      });
      return { point, heads };
    },

    readDevices: createDeviceReader(view),

    findRecorded: (dataset, fromBlock, toBlock, signal) => findRecorded([dataset], fromBlock, toBlock, signal),
    async findRecordedOf(datasets, fromBlock, toBlock, signal) {
      const found: RecordedEvent[] = [];
      for (let i = 0; i < datasets.length; i += DATASETS_PER_FILTER) {
        found.push(...(await findRecorded([datasets.slice(i, i + DATASETS_PER_FILTER)], fromBlock, toBlock, signal)));
      }
      return found;
    },
    findAllRecorded: (fromBlock, toBlock, signal) => findRecorded([], fromBlock, toBlock, signal),

    findChartered(query, fromBlock, toBlock, signal) {
      const indexed = 'dataset' in query ? [query.dataset] : [null, zeroPadValue(query.owner, 32)];
      return findChartered(indexed, fromBlock, toBlock, signal);
    },
    findAllChartered: (fromBlock, toBlock, signal) => findChartered([], fromBlock, toBlock, signal),

    async findLinked(dataset, fromBlock, toBlock, signal) {
      const query = { event: 'ObjectsLinked', indexed: [dataset], fromBlock, toBlock };
      const logs = await findLogs(view, disscInterface, query, signal);
      return logs.flatMap(({ values, txHash, blockNumber }) => {
        const first = Number(values.first);
        // Any u64: no log comes near the numbers that are not safe here.
        if (!Number.isSafeInteger(first + Number(values.count))) return [];
        const objects = fromHex(values.objects, 'linked objects');
        return { first, count: Number(values.count), objects, txHash, blockNumber };
      });
    },

    async findPublished(dataset, fromBlock, toBlock, signal) {
      const query = { event: 'Published', indexed: [dataset], fromBlock, toBlock };
      const logs = await findLogs(view, disscInterface, query, signal);
      return logs.flatMap(({ values, blockHash: _, ...place }) => {
        const first = Number(values.first);
        if (!Number.isSafeInteger(first)) return [];
        return {
          dataset,
          serial: Number(values.serial),
          first,
          salt: fromHex(values.salt, 'salt', 32) as Salt,
          nonce: fromHex(values.nonce, 'nonce', 16) as Nonce,
          sealedDigests: fromHex(values.sealedDigests, 'sealed digests'),
          sender: address(values.sender),
          ...place,
        };
      });
    },
  };
}

function hashesOf(list: Result): Uint8Array[] {
  return [...list].map((hash: string) => fromHex(hash, 'hash', 32));
}

function emptyHead(dataset: DatasetId): Head {
  return { dataset, size: 0, root: new Uint8Array(32) as LogRoot };
}
