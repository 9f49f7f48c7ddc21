import { Transaction } from 'ethers';
import type { JsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { ocascInterface } from '../../../adapters/ethereum/ocasc-interface.ts';
import { toQuantity } from '../../../adapters/ethereum/quantity.ts';
import { RpcRefusedError } from '../../../adapters/ethereum/read-rpc-answer.ts';
import { LedgerUnavailableError } from '../../../core/errors.ts';
import type { Address, AgreementId } from '../../../core/ids.ts';
import { EMPTY_ROOT } from '../../../core/log/peaks.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import type { ModelBlock, ModelChain, ModelTransaction } from './model-chain.ts';
import { CALL_GAS } from './model-money.ts';
import { callOcasc, encodeAgreement, type OcascSettings } from './ocasc-model.ts';

export interface ModelRpcParts {
  readonly time: VirtualTime;
  readonly chain: ModelChain;
  readonly settings: OcascSettings;
  readonly faults: FaultWatch;
  readonly random: SeededRandom;
  /** Whose node it is. */
  readonly of: string;
}

const TIP_WEI = 1_000_000n;
const LATENCY_MS: readonly [number, number] = [5, 60];
/** How far ahead of the chain a node lies that names a final block which is not there. */
const AHEAD_BLOCKS = 100_000;
const REVERTED = 3;
const REJECTED = -32_000;

interface CallObject {
  readonly from?: string;
  readonly to: string;
  readonly data: string;
  readonly value?: string;
}

/**
 * One node of the modelled chain as JSON-RPC has it, for what the adapters do on OCASC: they run as they are. It may lag, not
 * answer, forget what it was sent, or name a final block that is not there.
 */
export function createModelRpc({ time, chain, settings, faults, random, of }: ModelRpcParts): JsonRpc {
  const { domain } = settings;

  const latestSeen = (): ModelBlock => {
    const lag = Math.round(faults.strikes('node-stale', of)?.size ?? 0);
    return chain.blocks[Math.max(0, chain.latest().number - lag)] as ModelBlock;
  };
  const finalSeen = (): ModelBlock => chain.blocks[chain.finalOf(latestSeen().number)] as ModelBlock;
  const blockAt = (tag: unknown): ModelBlock | null => {
    if (tag === 'latest') return latestSeen();
    if (tag === 'pending') return chain.pending();
    if (tag === 'finalized') return finalSeen();
    if (typeof tag === 'object' && tag !== null && 'blockHash' in tag)
      return chain.blocks.find(({ hash }) => hash === tag.blockHash) ?? null;
    return chain.blocks[Number(tag)] ?? null;
  };
  const shownBlock = (block: ModelBlock | null, isFinal = false): object | null => {
    if (block === null) return null;
    const ahead = isFinal && faults.strikes('node-ahead', of) !== null ? AHEAD_BLOCKS : 0;
    return {
      ...{ number: toQuantity(block.number + ahead), hash: block.hash },
      ...{ timestamp: toQuantity(Math.floor(block.timestampMs / 1000)), baseFeePerGas: toQuantity(block.baseFeeWei) },
    };
  };
  const refuse = (method: string, code: number, said: string, data: string | null = null): never => {
    throw new RpcRefusedError(method, code, said, data);
  };
  const requireBlock = (method: string, tag: unknown): ModelBlock =>
    blockAt(tag) ?? refuse(method, REJECTED, 'header not found');

  /** A call as of the end of a block, in the time of the next. */
  const tryCall = (method: string, { from, data, value = '0x0' }: CallObject, block: ModelBlock): string => {
    const parsed = ocascInterface.parseTransaction({ data, value });
    if (parsed === null) return refuse(method, REVERTED, 'execution reverted', '0x');
    const { name, args, fragment } = parsed;
    const { ocasc } = block.money;
    if (fragment.constant) {
      const answer = (one: unknown): string => ocascInterface.encodeFunctionResult(name, [one]);
      if (name === 'agreement') return encodeAgreement(ocasc.agreements.get(args[0] as AgreementId) ?? null);
      if (name === 'offers') return answer(ocasc.offers.get(lower(args[0])) ?? 0n);
      if (name === 'credit') return answer(ocasc.credits.get(lower(args[1])) ?? 0n);
      if (name === 'answerGas') return answer(settings.answerGas);
      if (name === 'demandGas') return answer(settings.demandGas);
      throw new Error(`The model of OCASC has no view ${name}.`);
    }
    const outcome = callOcasc(settings, ocasc, {
      ...{ name, args, sender: lower(from as string), valueWei: BigInt(value) },
      ...{ timestampSeconds: Math.floor(time.nowMs() / 1000), baseFeeWei: chain.baseFeeWei() },
      headOf: (dataset) => block.dissc.get(dataset)?.head ?? { dataset, size: 0, root: EMPTY_ROOT },
    });
    return 'reverted' in outcome ? refuse(method, REVERTED, 'execution reverted', outcome.reverted) : '0x';
  };

  const send = (method: string, raw: string): string => {
    const { from, nonce, data, value, hash, maxFeePerGas, maxPriorityFeePerGas } = Transaction.from(raw);
    const parsed = ocascInterface.parseTransaction({ data, value });
    if (parsed === null) return refuse(method, REJECTED, 'not a call of OCASC');
    const [sender, tipWei] = [lower(from as string), maxPriorityFeePerGas as bigint];
    const transaction: ModelTransaction = {
      ...{ hash: hash as string, raw, nonce, sender },
      ...{ maxFeePerGasWei: maxFeePerGas as bigint, maxPriorityFeePerGasWei: tipWei },
      call: { to: 'OCASC', name: parsed.name, args: parsed.args, valueWei: value, tipWei },
    };
    // It says that it has taken it.
    if (faults.strikes('node-forgets', of) !== null) return transaction.hash;
    if (chain.pooled(sender, nonce)?.hash === transaction.hash) return refuse(method, REJECTED, 'already known');
    if ((chain.latest().nonces.get(sender) ?? 0) > nonce) return refuse(method, REJECTED, 'nonce too low');
    if (!chain.send(transaction)) return refuse(method, REJECTED, 'replacement transaction underpriced');
    return transaction.hash;
  };

  const findMined = (hash: string) => {
    for (let number = latestSeen().number; number >= 0; number--) {
      const block = chain.blocks[number] as ModelBlock;
      const mined = block.mined.find(({ transaction }) => transaction.hash === hash);
      if (mined !== undefined) return { block, ...mined };
    }
    return null;
  };
  const shownLog = (block: ModelBlock, { topics, data, txHash, logIndex }: ModelBlock['saleLogs'][number]) => ({
    ...{ address: domain.ocasc, topics, data, transactionHash: txHash, blockHash: block.hash },
    ...{ blockNumber: toQuantity(block.number), logIndex: toQuantity(logIndex) },
  });
  const receipt = (hash: string): object | null => {
    const found = findMined(hash);
    if (found === null) return null;
    const { block, transaction, ok } = found;
    return {
      ...{ blockNumber: toQuantity(block.number), status: ok ? '0x1' : '0x0', gasUsed: toQuantity(CALL_GAS) },
      effectiveGasPrice: toQuantity(block.baseFeeWei + transaction.maxPriorityFeePerGasWei),
      logs: block.saleLogs.filter(({ txHash }) => txHash === hash).map((log) => shownLog(block, log)),
    };
  };
  const logs = ({ topics, fromBlock, toBlock }: LogQuery): object[] => {
    const matches = (log: ModelBlock['saleLogs'][number]): boolean =>
      topics.every((wanted, place) => wanted == null || wanted === log.topics[place]);
    const last = Math.min(Number(toBlock), latestSeen().number);
    return chain.blocks
      .slice(Number(fromBlock), last + 1)
      .flatMap((block) => block.saleLogs.filter(matches).map((log) => shownLog(block, log)));
  };
  const nextNonce = (account: Address, tag: unknown): number => {
    let next = latestSeen().nonces.get(account) ?? 0;
    if (tag === 'pending') while (chain.pooled(account, next) !== null) next++;
    return next;
  };

  const answer = (method: string, params: readonly unknown[]): unknown => {
    const [first, second] = params;
    switch (method) {
      case 'eth_getBlockByNumber':
        return shownBlock(blockAt(first), first === 'finalized');
      case 'eth_getBlockByHash':
        return shownBlock(blockAt({ blockHash: first }));
      case 'eth_getTransactionCount':
        return toQuantity(nextNonce(lower(first as string), second));
      case 'eth_getBalance':
        return toQuantity(latestSeen().money.balances.get(lower(first as string)) ?? 0n);
      case 'eth_getCode':
        return lower(first as string) === domain.ocasc ? '0x01' : '0x';
      case 'eth_maxPriorityFeePerGas':
        return toQuantity(TIP_WEI);
      case 'eth_call':
        return tryCall(method, first as CallObject, requireBlock(method, second));
      case 'eth_estimateGas':
        tryCall(method, first as CallObject, requireBlock(method, second));
        return toQuantity(CALL_GAS);
      case 'eth_sendRawTransaction':
        return send(method, first as string);
      case 'eth_getTransactionByHash': {
        const isPooled = chain.isPooled(first as string);
        return isPooled || findMined(first as string) !== null ? { hash: first } : null;
      }
      case 'eth_getTransactionReceipt':
        return receipt(first as string);
      case 'eth_getLogs':
        return logs(first as LogQuery);
      default:
        return refuse(method, -32_601, 'the method does not exist');
    }
  };
  const reach = async (): Promise<void> => {
    await time.sleep(random.between(...LATENCY_MS));
    if (faults.strikes('node-down', of) !== null)
      throw new LedgerUnavailableError(`The node of the ${of} does not answer.`);
  };
  return {
    ...{ host: `node of the ${of}`, finalDepth: null, clock: time.runtimeOf({ random: random.next }) },
    async call(method, params, signal) {
      signal?.throwIfAborted();
      await reach();
      return answer(method, params);
    },
    async callMany(requests, signal) {
      signal?.throwIfAborted();
      await reach();
      return requests.map(({ method, params }) => answer(method, params));
    },
  };
}

interface LogQuery {
  readonly topics: readonly (string | null | undefined)[];
  readonly fromBlock: string;
  readonly toBlock: string;
}

function lower(account: string): Address {
  return account.toLowerCase() as Address;
}
