import { eachInParallel } from '../../core/each-in-parallel.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { machineClock, type WaitingClock } from './machine-clock.ts';
import { type NodeAddress, nodeAddress } from './node-address.ts';
import { postRequest } from './post-request.ts';
import { preferNodes } from './prefer-nodes.ts';
import { type RpcAnswer, type RpcRequest, readAnswer, readBatchAnswers } from './read-rpc-answer.ts';

/** An Ethereum node, or several of one chain, asked over HTTP. */
export interface JsonRpc {
  /** For errors and notices: the node's host, without what may be a secret. */
  readonly host: string;
  /** How deep a block must lie to be final; null where the node says itself what is. */
  readonly finalDepth: number | null;
  /** For whoever asks again later. */
  readonly clock: WaitingClock;
  /** The result of one request. @throws LedgerUnavailableError, RpcRefusedError */
  call(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown>;
  /**
   * Results of many requests in their order, in one round trip where the node takes batches.
   * @throws LedgerUnavailableError, RpcRefusedError
   */
  callMany(requests: readonly RpcRequest[], signal?: AbortSignal): Promise<unknown[]>;
}

export interface JsonRpcOptions {
  /** http or https; user and password in it are sent as basic authentication. */
  readonly rpcUrl: string;
  /** Other nodes of the chain, in order of preference, for when that one does not answer. */
  readonly moreRpcUrls?: readonly string[] | undefined;
  /** The chain the node must be on; checked before the first answer is believed. */
  readonly chainId: number;
  /** For chains whose nodes have no `finalized` block: a block with this many above it counts as final. */
  readonly finalDepth?: number | undefined;
  /** For one request, answer read. */
  readonly timeoutMs?: number;
  /** How long one call waits in all while the node says that it has had too many requests. */
  readonly patienceMs?: number;
  /** What it waits by; this machine's clocks when not given. */
  readonly runtime?: WaitingClock | undefined;
  /** Told whenever a node was asked and did not answer, and another one did. */
  readonly onOtherNode?: ((other: OtherNode) => void) | undefined;
  /** One that is there already, for several parts that ask the same node: it is asked once which chain it is on. */
  readonly rpc?: JsonRpc | undefined;
}

/** Another node than the preferred one has answered. */
export interface OtherNode {
  /** Which one, without what may be a secret. */
  readonly host: string;
  /** What the node before it in the order of preference did instead; without what may be a secret. */
  readonly failure: string;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_PATIENCE_MS = 60_000;
/** Where there are other nodes, none is waited for so long. */
const PATIENCE_AMONG_NODES_MS = 2_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 10_000;
const MAX_BATCH_REQUESTS = 50;
/** Without batches, this many requests are under way at once: few enough for the smallest plans of hosted nodes. */
const SINGLES_AT_ONCE = 4;

/**
 * A bounded JSON-RPC client: every request has a timeout and can be aborted, answers are bounded in bytes, nothing polls,
 * and an idle connection keeps no process alive. A node that has had too many requests is given the time it asks for. One
 * that takes no batches is asked one by one; what a batch refuses counts only once it is refused alone.
 */
export function createJsonRpc(options: JsonRpcOptions): JsonRpc {
  const { rpcUrl, moreRpcUrls = [], patienceMs = DEFAULT_PATIENCE_MS, onOtherNode, rpc } = options;
  const clock = options.runtime ?? machineClock;
  if (rpc !== undefined) return rpc;
  if (moreRpcUrls.length === 0) return createNodeRpc(options);
  const among = { ...options, patienceMs: Math.min(patienceMs, PATIENCE_AMONG_NODES_MS) };
  const nodes = [rpcUrl, ...moreRpcUrls].map((url) => createNodeRpc({ ...among, rpcUrl: url }));
  const node = (i: number): JsonRpc => nodes[i] as JsonRpc;
  const ask = preferNodes(
    nodes.length,
    () => clock.monotonicMs(),
    (answered, failure) => onOtherNode?.({ host: node(answered).host, failure: failure.message }),
  );
  return {
    host: nodes.map(({ host }) => host).join(', '),
    finalDepth: options.finalDepth ?? null,
    clock,
    call: (method, params, signal) => ask((i) => node(i).call(method, params, signal), signal),
    callMany: (requests, signal) => ask((i) => node(i).callMany(requests, signal), signal),
  };
}

function createNodeRpc(options: JsonRpcOptions): JsonRpc {
  const { chainId, finalDepth = null } = options;
  const asking = askerOf(options);
  const { node, clock } = asking;
  let onRightChain = false;

  const requireChain = async (signal?: AbortSignal): Promise<void> => {
    if (onRightChain) return;
    checkChain(node, resultOf(await askOne(asking, { method: 'eth_chainId', params: [] }, signal)), chainId);
    onRightChain = true;
  };

  return {
    ...{ host: node.host, finalDepth, clock },
    async call(method, params, signal) {
      await requireChain(signal);
      return resultOf(await askOne(asking, { method, params }, signal));
    },
    async callMany(requests, signal) {
      await requireChain(signal);
      const results: unknown[] = [];
      for (let i = 0; i < requests.length; i += MAX_BATCH_REQUESTS) {
        const answers = await askMany(asking, requests.slice(i, i + MAX_BATCH_REQUESTS), signal);
        results.push(...answers.map(resultOf));
      }
      return results;
    },
  };
}

/** The chain that a node is on. @throws LedgerUnavailableError, RpcRefusedError */
export async function readChainId(options: Omit<JsonRpcOptions, 'chainId'>, signal?: AbortSignal): Promise<number> {
  const asking = askerOf(options);
  const chainId = Number(resultOf(await askOne(asking, { method: 'eth_chainId', params: [] }, signal)));
  if (Number.isSafeInteger(chainId) && chainId > 0) return chainId;
  throw new LedgerUnavailableError(`The node at ${asking.node.host} does not say which chain it is on.`);
}

interface Asking {
  readonly node: NodeAddress;
  readonly timeoutMs: number;
  readonly patienceMs: number;
  readonly clock: WaitingClock;
  /** False once the node has answered a batch with something else than a list. */
  takesBatches: boolean;
}

function askerOf({ rpcUrl, timeoutMs, patienceMs, runtime }: Omit<JsonRpcOptions, 'chainId'>): Asking {
  return {
    node: nodeAddress(rpcUrl),
    timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
    patienceMs: patienceMs ?? DEFAULT_PATIENCE_MS,
    clock: runtime ?? machineClock,
    takesBatches: true,
  };
}

/** As JSON-RPC 2.0 has it. */
const numbered = ({ method, params }: RpcRequest, id: number) => ({ jsonrpc: '2.0', id, method, params });

function askOne(asking: Asking, request: RpcRequest, signal?: AbortSignal): Promise<RpcAnswer> {
  const body = JSON.stringify(numbered(request, 0));
  return patiently(asking, body, (text) => readAnswer(asking.node, request, text), signal);
}

/** In a batch where the node takes it, and alone what the batch left without a result. */
async function askMany(asking: Asking, requests: readonly RpcRequest[], signal?: AbortSignal): Promise<RpcAnswer[]> {
  const answers = requests.length > 1 && asking.takesBatches ? await askBatch(asking, requests, signal) : null;
  const open = [...requests.keys()].filter((i) => answers?.[i] == null || !('result' in answers[i]));
  const found = requests.map((_, i) => answers?.[i] ?? null);
  await eachInParallel(open, SINGLES_AT_ONCE, async (i) => {
    found[i] = await askOne(asking, requests[i] as RpcRequest, signal);
  });
  return found as RpcAnswer[];
}

async function askBatch(
  asking: Asking,
  requests: readonly RpcRequest[],
  signal?: AbortSignal,
): Promise<(RpcAnswer | null)[] | null> {
  const body = JSON.stringify(requests.map(numbered));
  let answers: (RpcAnswer | null)[] | null;
  try {
    answers = await patiently(asking, body, (text) => readBatchAnswers(requests, text), signal);
  } catch (error) {
    // A gateway that takes no batches may say so by its status.
    const status = error instanceof LedgerUnavailableError ? error.details.status : undefined;
    if (typeof status !== 'number' || status < 400 || status >= 500) throw error;
    answers = null;
  }
  if (answers === null) asking.takesBatches = false;
  return answers;
}

/** Posts again as long as the node says that it has had too many requests, by its status or by the error's code. */
async function patiently<T extends RpcAnswer | (RpcAnswer | null)[] | null>(
  { node, timeoutMs, patienceMs, clock }: Asking,
  body: string,
  read: (text: string) => T,
  signal?: AbortSignal,
): Promise<T> {
  let waitedMs = 0;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    const posted = await postRequest(node, body, timeoutMs, signal);
    const answers = 'tooMany' in posted ? null : read(posted.text);
    if (!('tooMany' in posted) && !saysTooMany(answers)) return answers as T;
    const askedMs = 'tooMany' in posted ? posted.retryAfterMs : null;
    const nextMs = Math.max(askedMs ?? pauseMs, FIRST_PAUSE_MS);
    if (waitedMs + nextMs > patienceMs) {
      const status = 'tooMany' in posted ? ` (HTTP ${posted.status})` : '';
      const wish = askedMs === null ? '' : ` and asks callers to wait ${Math.ceil(askedMs / 1000)} s`;
      throw new LedgerUnavailableError(
        `The node at ${node.host} has had too many requests${status}${wish}. It stayed busy for ${Math.round(waitedMs / 1000)} s. Try again later, or use another node.`,
        { details: { host: node.host, retryAfterMs: askedMs } },
      );
    }
    await clock.sleep(nextMs, signal);
    waitedMs += nextMs;
  }
}

/** HTTP's number for it is what hosted nodes use. EIP-1474's means that too, and for logs that a range is too long. */
const TOO_MANY_REQUESTS = 429;
const LIMIT_EXCEEDED = -32005;

function saysTooMany(answer: RpcAnswer | (RpcAnswer | null)[] | null): boolean {
  if (answer === null || Array.isArray(answer) || 'result' in answer) return false;
  const { code, details } = answer.refused;
  return code === TOO_MANY_REQUESTS || (code === LIMIT_EXCEEDED && details.method !== 'eth_getLogs');
}

function resultOf(answer: RpcAnswer): unknown {
  if ('refused' in answer) throw answer.refused;
  return answer.result;
}

function checkChain({ host }: NodeAddress, answered: unknown, chainId: number): void {
  if (typeof answered === 'string' && Number(answered) === chainId) return;
  throw new LedgerUnavailableError(
    `The node at ${host} is on chain ${Number(answered)}, not on ${chainId}. Give the URL of a node of chain ${chainId}.`,
    { details: { chainId } },
  );
}
