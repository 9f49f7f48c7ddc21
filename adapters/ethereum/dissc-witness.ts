import * as z from 'zod';
import { equalBytes, fromHex, to0x } from '../../core/bytes.ts';
import { type BlockHeader, headerFromJson } from '../../core/chain-proof/block-header.ts';
import {
  disscDataset,
  disscRound,
  type StorageProof,
  slotOfRound,
  slotsOfDataset,
} from '../../core/chain-proof/dissc-state.ts';
import { receiptsRoot } from '../../core/chain-proof/receipts.ts';
import { ArgumentError, LedgerUnavailableError, PlumblineError, ProofError } from '../../core/errors.ts';
import { type Address, address, type DatasetId, type LogRoot, type RoundBody, type RoundRoot } from '../../core/ids.ts';
import type { ChainWitness, DisscLogs, Dissent } from '../../core/ports/chain-witness.ts';
import type { Anchor, ChainCharter, Ledger, RecordedEvent } from '../../core/ports/ledger.ts';
import { agreedAnswer, askAll } from './agree.ts';
import { decodeChartered } from './decode-charter.ts';
import { disscInterface } from './dissc-interface.ts';
import { createDisscLedger } from './dissc-ledger.ts';
import { findDeploymentBlock } from './find-deployment-block.ts';
import { createJsonRpc, type JsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { data, hash32, parseAnswer, quantity } from './parse-answers.ts';
import { toQuantity } from './quantity.ts';
import { asUnavailable, readChainPoint } from './read-chain-point.ts';

export interface WitnessOptions extends Omit<JsonRpcOptions, 'rpcUrl'> {
  readonly rpcUrls: readonly string[];
  /** How many nodes must agree. */
  readonly agree: number;
  readonly dissc: Address;
  readonly anchor: Anchor;
}

/** One node that is asked. */
interface Node {
  readonly host: string;
  readonly rpc: JsonRpc;
  readonly ledger: Ledger;
  /** No event of DISSC is earlier, as this node shows it: its word, as are its events. */
  readonly fromBlock: (signal?: AbortSignal) => Promise<number>;
}

const log = z.looseObject({ address: z.string().regex(/^0x[0-9a-f]{40}$/i), topics: z.array(hash32).max(4), data });
const receipt = z.looseObject({
  blockHash: hash32,
  blockNumber: quantity,
  transactionHash: hash32,
  type: z
    .string()
    .regex(/^0x[0-9a-f]{1,4}$/i)
    .nullish(),
  status: z
    .string()
    .regex(/^0x[0-9a-f]{1,2}$/i)
    .nullish(),
  root: data.nullish(),
  cumulativeGasUsed: z.string().regex(/^0x[0-9a-f]{1,16}$/i),
  logsBloom: data,
  logs: z.array(log),
});
type Log = z.output<typeof log>;

const hexList = z.array(data).max(64);
const proofAnswer = z.looseObject({
  accountProof: hexList,
  storageProof: z.array(z.looseObject({ proof: hexList })).max(4),
});

/** DISSC through several Ethereum nodes. @throws ArgumentError unless 1 … as many nodes as there are have to agree, none named twice */
export function createDisscWitness(options: WitnessOptions): ChainWitness {
  const { rpcUrls, agree, dissc, chainId, anchor } = options;
  if (!(agree >= 1 && agree <= rpcUrls.length)) {
    throw new ArgumentError(
      `--agree asks for ${agree} nodes, but you named ${rpcUrls.length}. Give at least as many --rpc as --agree says.`,
    );
  }
  if (new Set(rpcUrls.map((text) => new URL(text).href)).size !== rpcUrls.length)
    throw new ArgumentError('You named one node twice, and a node always agrees with itself. Name different nodes.');
  const domain = { chainId, dissc };
  const nodes = rpcUrls.map((rpcUrl): Node => {
    const chain = { ...options, rpcUrl };
    const rpc = createJsonRpc(chain);
    let found: Promise<number> | null = null;
    const fromBlock = (signal?: AbortSignal): Promise<number> => {
      found ??= findDeploymentBlock(rpc, dissc, signal).catch((error) => {
        // A node without old state cannot say: then all blocks are looked through.
        if (error instanceof PlumblineError) return 0;
        throw error;
      });
      return found;
    };
    return { host: rpc.host, rpc, ledger: createDisscLedger(chain), fromBlock };
  });
  const dissent: Dissent[] = [];
  const note = (one: Dissent): void => {
    if (!dissent.some(({ host, about }) => host === one.host && about === one.about)) dissent.push(one);
  };
  /** A node whose answer cannot be is named, and is like one that does not answer. */
  const orDissent = async <T>(host: string, about: string, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ProofError)) throw asUnavailable(error);
      note({ host, about, said: error.shortMessage });
      throw error;
    }
  };

  async function readBlock(number: number, signal?: AbortSignal): Promise<BlockHeader | null> {
    const about = `block ${number}`;
    const answers = await askAll(nodes, ({ host, rpc }) =>
      orDissent(host, about, async () => {
        const block = await rpc.call('eth_getBlockByNumber', [toQuantity(number), false], signal);
        if (block === null) return null;
        const header = headerFromJson(parseAnswer(z.looseObject({}), 'eth_getBlockByNumber', block));
        if (header.number !== number)
          throw new ProofError(`Asked for block ${number}, it returned block ${header.number}.`);
        return header;
      }),
    );
    return agreedAnswer(answers, { agree, about, note, name: (header) => header?.hash ?? 'that there is none' });
  }

  /** What the first node with a valid proof shows; all are asked, so that one with a false proof is seen. */
  async function readSlots<T>(
    block: BlockHeader,
    slots: readonly Uint8Array[],
    read: (proof: StorageProof) => T,
    signal?: AbortSignal,
  ): Promise<T> {
    const about = `the state of block ${block.number}`;
    const params = [dissc, slots.map(to0x), toQuantity(block.number)];
    const answers = await askAll(nodes, ({ host, rpc }) =>
      orDissent(host, about, async () => {
        const answered = parseAnswer(proofAnswer, 'eth_getProof', await rpc.call('eth_getProof', params, signal));
        const bytes = (list: readonly string[]) => list.map((node) => fromHex(node, 'node of a proof'));
        return read({
          accountProof: bytes(answered.accountProof),
          storageProof: answered.storageProof.map(({ proof }) => bytes(proof)),
        });
      }),
    );
    const proven = answers.find(({ silence }) => silence === null);
    if (proven !== undefined) return proven.answer as T;
    const words = answers.map(({ host, silence }) => `${host}: ${silence?.shortMessage}`).join('; ');
    throw new LedgerUnavailableError(`No node proves ${about} (eth_getProof). ${words}`);
  }

  return {
    ...{ domain, agree, dissent, readBlock },
    hosts: nodes.map(({ host }) => host),

    async readNewest(signal) {
      const answers = await askAll(nodes, ({ rpc }) => readChainPoint(rpc, anchor, signal));
      const numbers = answers.flatMap(({ answer }) => answer?.blockNumber ?? []).sort((a, b) => b - a);
      const number = numbers[agree - 1];
      if (number === undefined) {
        const words = answers.map(({ host, silence }) => `${host}: ${silence?.shortMessage ?? 'answers'}`).join('; ');
        throw new LedgerUnavailableError(`Fewer than ${agree} nodes say which block is ${anchor}. ${words}`);
      }
      const header = await readBlock(number, signal);
      if (header === null) throw new LedgerUnavailableError(`The nodes no longer have block ${number}. Try again.`);
      return header;
    },

    readDataset(block, dataset, signal) {
      return readSlots(
        block,
        slotsOfDataset(dataset),
        (proof) => disscDataset(block.stateRoot, dissc, dataset, proof),
        signal,
      );
    },

    readRound(block, anchorer, signal) {
      return readSlots(
        block,
        [slotOfRound(anchorer)],
        (proof) => disscRound(block.stateRoot, dissc, anchorer, proof),
        signal,
      );
    },

    async readLogs(block, txHash, signal) {
      const about = `the receipts of block ${block.number}`;
      const transaction = to0x(txHash);
      const answers = await askAll(nodes, ({ host, rpc }) =>
        orDissent(host, about, async () => {
          const answered = await rpc.call('eth_getBlockReceipts', [toQuantity(block.number)], signal);
          const receipts = parseAnswer(z.array(receipt), 'eth_getBlockReceipts', answered);
          // Of a form that is not known here nothing follows, against nobody.
          const root = rootOrNull(() => receiptsRoot(receipts));
          if (root === null) return null;
          if (!equalBytes(root, block.receiptsRoot))
            throw new ProofError('They do not lead to the root in the header.');
          // Receipts do not have the transaction's hash: which of them is its own rests on the node's word.
          return receipts.flatMap(({ transactionHash, logs }) =>
            transactionHash.toLowerCase() === transaction ? logs : [],
          );
        }),
      );
      const shown = answers.flatMap(({ answer }) => (answer === null ? [] : [answer]));
      const proven = shown.find((logs) => logs.length > 0) ?? shown[0];
      if (proven !== undefined) return { logs: decodeLogs(domain, proven), by: 'receipts' };
      const told = await askAll(nodes, async ({ rpc }) => {
        const answered = await rpc.call('eth_getTransactionReceipt', [transaction], signal);
        return answered === null ? null : parseAnswer(receipt, 'eth_getTransactionReceipt', answered);
      });
      const agreed = agreedAnswer(told, {
        agree,
        note,
        about: `transaction ${transaction}`,
        name: (one) =>
          one === null
            ? 'that there is none'
            : `${one.blockHash.toLowerCase()}, ${JSON.stringify(one.logs.map(({ address: at, topics, data: bytes }) => [at, topics, bytes])).toLowerCase()}`,
      });
      const isThere = agreed !== null && agreed.blockHash.toLowerCase() === block.hash;
      return { logs: decodeLogs(domain, isThere ? agreed.logs : []), by: 'nodes' };
    },

    async findRecorded(dataset, toBlock, signal) {
      const answers = await askAll(nodes, async ({ ledger, fromBlock }) =>
        ledger.findRecorded(dataset, await fromBlock(signal), toBlock, signal),
      );
      return longest(answers.flatMap(({ answer }) => (answer === null ? [] : [answer]))) ?? throwSilent(answers);
    },

    async findChartered(dataset, toBlock, signal) {
      const answers = await askAll(nodes, async ({ ledger, fromBlock }) =>
        ledger.findChartered({ dataset }, await fromBlock(signal), toBlock, signal),
      );
      if (answers.filter(({ silence }) => silence === null).length < agree) throwSilent(answers);
      const all = new Map<string, ChainCharter>();
      for (const { answer } of answers) for (const one of answer ?? []) all.set(nameOf(one), one);
      for (const { host, answer } of answers) {
        const missing = answer === null ? 0 : all.size - answer.length;
        if (missing > 0) note({ host, about: 'charters', said: `${missing} fewer than others` });
      }
      return [...all.values()].sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
    },
  };
}

const nameOf = ({ charter, blockNumber, logIndex }: ChainCharter): string =>
  `${blockNumber} ${logIndex} ${charter.serial} ${charter.device} ${charter.anchorer} ${charter.from}`;

function rootOrNull(read: () => Uint8Array): Uint8Array | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}

function longest(answers: readonly RecordedEvent[][]): RecordedEvent[] | undefined {
  return answers.toSorted((a, b) => b.length - a.length)[0];
}

function throwSilent(answers: readonly { readonly host: string; readonly silence: Error | null }[]): never {
  const words = answers.map(({ host, silence }) => `${host}: ${silence?.message ?? 'answers'}`).join('; ');
  throw new LedgerUnavailableError(`Too few nodes show what DISSC has logged. ${words}`);
}

/** Logs of DISSC among others. */
function decodeLogs(domain: { readonly chainId: number; readonly dissc: Address }, logs: readonly Log[]): DisscLogs {
  const recorded: DisscLogs['recorded'][number][] = [];
  const rounds: DisscLogs['rounds'][number][] = [];
  const charters: DisscLogs['charters'][number][] = [];
  for (const one of logs) {
    if (one.address.toLowerCase() !== domain.dissc) continue;
    const parsed = disscInterface.parseLog({ topics: [...one.topics], data: one.data });
    const values = parsed?.args;
    if (parsed == null || values === undefined) continue;
    if (parsed.name === 'Recorded') {
      recorded.push({
        dataset: values.dataset.toLowerCase() as DatasetId,
        signer: address(values.signer),
        size: Number(values.size),
        root: fromHex(values.root, 'root', 32) as LogRoot,
      });
    } else if (parsed.name === 'RoundAnchored') {
      rounds.push({
        anchorer: address(values.anchorer),
        round: fromHex(values.round, 'round', 32) as RoundRoot,
        previous: fromHex(values.previous, 'previous round', 32) as RoundRoot,
        body: fromHex(values.body, 'body', 32) as RoundBody,
      });
    } else if (parsed.name === 'Chartered') {
      charters.push(decodeChartered(domain, { values, txHash: '', blockNumber: 0, logIndex: 0 }));
    }
  }
  return { recorded, rounds, charters };
}
