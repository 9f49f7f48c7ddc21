import { fromHex } from '../../core/bytes.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, address, bytes32, type DatasetId, type LogRoot } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { Ledger, LinkReader, Parties } from '../../core/ports/ledger.ts';
import { callAt } from './call-at.ts';
import { disscInterface } from './dissc-interface.ts';
import { decode, findLogs } from './find-logs.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';

export interface DisscLedgerOptions extends JsonRpcOptions {
  readonly dissc: Address;
}

// A head reads up to 33 slots of 2,100 gas; nodes cap a call at 50 million.
const HEADS_PER_CALL = 200;

/** DISSC read through one Ethereum node; all answers of one call belong to one block, named by its hash. */
export function createDisscLedger(options: DisscLedgerOptions): Ledger & LinkReader {
  const { chainId, dissc } = options;
  const view = { rpc: createJsonRpc(options), name: 'DISSC', at: dissc };
  return {
    domain: { chainId, dissc },

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

    async readParties(datasets, anchor, signal) {
      const calls = datasets.map((dataset) => disscInterface.encodeFunctionData('parties', [dataset]));
      const { point, results } = await callAt(view, calls, anchor, signal);
      return {
        point,
        parties: results.map((result) => (result === null ? null : decode(view, () => decodeParties(result)))),
      };
    },

    async findRecorded(dataset, fromBlock, toBlock, signal) {
      const query = { event: 'Recorded', indexed: [dataset], fromBlock, toBlock };
      const logs = await findLogs(view, disscInterface, query, signal);
      return logs.map(({ values: [, signer, size, batches, root], ...place }) => ({
        dataset,
        signer: address(signer),
        size: Number(size),
        batches: Number(batches),
        root: bytes32<LogRoot>(fromHex(root, 'root', 32), 'root'),
        ...place,
      }));
    },

    async findLinked(dataset, fromBlock, toBlock, signal) {
      const query = { event: 'ObjectsLinked', indexed: [dataset], fromBlock, toBlock };
      const logs = await findLogs(view, disscInterface, query, signal);
      return logs.map(({ values: [, first, count, objects], ...place }) => ({
        first: Number(first),
        count: Number(count),
        objects: fromHex(objects, 'linked objects'),
        ...place,
      }));
    },
  };
}

function decodeHeads(datasets: readonly DatasetId[], result: string): Head[] {
  const [states] = disscInterface.decodeFunctionResult('heads', result);
  if (states.length !== datasets.length) throw new LedgerUnavailableError('The node answered another number of heads.');
  return datasets.map((dataset, i) => {
    const [size, batches, root] = states[i];
    return { dataset, size: Number(size), batches: Number(batches), root: fromHex(root, 'root', 32) as LogRoot };
  });
}

function decodeParties(result: string): Parties | null {
  const [owner, device] = disscInterface.decodeFunctionResult('parties', result);
  return BigInt(owner) === 0n ? null : { owner: address(owner), device: address(device) };
}

function emptyHead(dataset: DatasetId): Head {
  return { dataset, size: 0, batches: 0, root: new Uint8Array(32) as LogRoot };
}
