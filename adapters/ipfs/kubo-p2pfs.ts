import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { KuboRPCClient } from 'kubo-rpc-client';
import * as z from 'zod';
import { concatBytes } from '../../core/bytes.ts';
import { AnswerError, StoreUnavailableError } from '../../core/errors.ts';
import type { P2pfs } from '../../core/ports/p2pfs.ts';
import { readBody } from '../service/read-body.ts';
import { withDeadline } from '../with-deadline.ts';

export interface KuboOptions {
  /** Base of the node's RPC, such as http://127.0.0.1:5001; whoever reaches it may do everything to the node. */
  readonly apiUrl: string;
  /** Where the node asks for one (Kubo's API.Authorizations). */
  readonly bearerToken?: string;
  /** For one question; a node without the wanted block goes on asking its peers until then. */
  readonly timeoutMs?: number;
  /** For importing and pinning one segment. */
  readonly importTimeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 15_000;
const DEFAULT_IMPORT_TIMEOUT_MS = 25_000;
const MAX_JSON_BYTES = 2 ** 20;
const MAX_PINS = 1_000_000;
const NOWHERE = /not found|could not find|not pinned|no such/i;

const failure = z.looseObject({ Message: z.string() });
const blockStat = z.looseObject({ Key: z.string().max(256), Size: z.int().min(0) });

/**
 * An IPFS node through Kubo's RPC. Imports, pins and files go through kubo-rpc-client; single blocks are asked for
 * directly, as the client reads them without a bound.
 */
export function createKuboP2pfs(options: KuboOptions): P2pfs & { close(): void } {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, importTimeoutMs = DEFAULT_IMPORT_TIMEOUT_MS } = options;
  const url = new URL(options.apiUrl);
  const agent = new (url.protocol === 'https:' ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 16 });
  const headers = options.bearerToken === undefined ? {} : { authorization: `Bearer ${options.bearerToken}` };
  let loaded: Promise<KuboRPCClient> | null = null;
  // Loaded at the first use: it brings a hundred modules that most commands never need.
  const client = (): Promise<KuboRPCClient> => {
    loaded ??= import('kubo-rpc-client').then(({ create }) => create({ url: url.href, agent, headers }));
    return loaded;
  };
  const within = <T>(
    limitMs: number,
    what: string,
    signal: AbortSignal | undefined,
    run: (abort: AbortSignal) => Promise<T>,
  ): Promise<T> =>
    withDeadline(
      limitMs,
      signal,
      // The client's own abort does not reach into bodies that are being read.
      (abort) => orAbort(run(abort), abort),
      (cause, timedOut) => explain(url, what, limitMs, cause, timedOut),
    );
  const ask = async (path: string, query: Record<string, string>, maxBytes: number, abort: AbortSignal) => {
    const target = new URL(`/api/v0/${path}?${new URLSearchParams(query)}`, url);
    const response = await fetch(target, { method: 'POST', headers, redirect: 'error', signal: abort });
    if (response.ok) return readBody(response, maxBytes);
    throw new NodeRefusal(response.status, await readBody(response, MAX_JSON_BYTES));
  };

  return {
    importCar(car, signal) {
      return within(importTimeoutMs, 'import and pin the segment', signal, async (abort) => {
        const roots: { cid: { toString(): string }; pinErrorMsg?: string }[] = [];
        const source = [car] as unknown as Parameters<KuboRPCClient['dag']['import']>[0];
        for await (const { root } of (await client()).dag.import(source, { pinRoots: true, signal: abort })) {
          if (root !== undefined && roots.length < 2) roots.push(root);
        }
        const [root] = roots;
        if (root === undefined || roots.length > 1) {
          throw new AnswerError(`The IPFS node at ${url.host} did not find exactly one root in the file.`);
        }
        // Answered with status 200: the only sign that what was imported is not all there.
        if (root.pinErrorMsg !== undefined && root.pinErrorMsg !== '') {
          throw new AnswerError(`The IPFS node at ${url.host} imported, but cannot pin: ${shown(root.pinErrorMsg)}`);
        }
        return { root: root.cid.toString() };
      });
    },

    async *pinnedRoots(signal) {
      const ended = new AbortController();
      const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
      const ls = (await client()).pin.ls({ type: 'recursive', signal: either });
      const pins = ls[Symbol.asyncIterator]();
      try {
        for (let count = 0; ; count++) {
          const next = await within(timeoutMs, 'list its pins', signal, () => pins.next());
          if (next.done === true) return;
          if (count >= MAX_PINS) throw new StoreUnavailableError(`The IPFS node lists more than ${MAX_PINS} pins.`);
          yield next.value.cid.toString();
        }
      } finally {
        // A node that has gone silent does not end its list either, and an open request keeps the process.
        ended.abort();
      }
    },

    hasWhole(root, signal) {
      return within(timeoutMs, 'say what it has', signal, async (abort) => {
        const query = { arg: root, offline: 'true', progress: 'false' };
        return (await orNull(ask('dag/stat', query, MAX_JSON_BYTES, abort))) !== null;
      });
    },

    nameBlock(cid, signal) {
      return within(timeoutMs, 'say what it has', signal, async (abort) => {
        const body = await orNull(ask('block/stat', { arg: cid, offline: 'true' }, MAX_JSON_BYTES, abort));
        if (body === null) return null;
        const parsed = blockStat.safeParse(parseJson(body));
        if (!parsed.success)
          throw new StoreUnavailableError(`The IPFS node at ${url.host} gave an answer that does not match its API.`);
        return { cid: parsed.data.Key, sizeBytes: parsed.data.Size };
      });
    },

    getBlock(cid, maxBytes, signal) {
      return within(timeoutMs, `find ${cid}`, signal, (abort) =>
        orNull(ask('block/get', { arg: cid }, maxBytes, abort)),
      );
    },

    readFile(cid, maxBytes, signal) {
      return within(timeoutMs, `find ${cid}`, signal, (abort) =>
        orNull(readContent(client, url, cid, maxBytes, abort)),
      );
    },

    close() {
      agent.destroy();
    },
  };
}

async function readContent(
  client: () => Promise<KuboRPCClient>,
  url: URL,
  cid: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  // One byte more than wanted shows that there is more.
  for await (const part of (await client()).cat(cid, { length: maxBytes + 1, signal })) {
    signal.throwIfAborted();
    sizeBytes += part.length;
    if (sizeBytes > maxBytes)
      throw new AnswerError(
        `${cid} has more than the ${maxBytes} bytes that are read from the IPFS node at ${url.host}.`,
      );
    parts.push(part);
  }
  return concatBytes(...parts);
}

/** The node answered, with an error. */
class NodeRefusal extends Error {
  readonly response: { readonly status: number };

  constructor(status: number, body: Uint8Array) {
    const said = failure.safeParse(parseJson(body));
    super(said.success ? said.data.Message : `status ${status}`);
    this.response = { status };
  }
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isNodeAnswer(error) && NOWHERE.test((error as Error).message)) return null;
    throw error;
  }
}

function isNodeAnswer(error: unknown): boolean {
  return error instanceof NodeRefusal || (error instanceof Error && error.name === 'HTTPError');
}

/** Whether the node, or what stands before it, did not let us in. */
function isDenied(error: unknown): boolean {
  const status = isNodeAnswer(error) ? (error as { response?: { status?: number } }).response?.status : undefined;
  return status === 401 || status === 403;
}

function explain(url: URL, what: string, limitMs: number, cause: unknown, timedOut: boolean): Error {
  const details = { host: url.host };
  if (timedOut) {
    return new StoreUnavailableError(`The IPFS node at ${url.host} did not ${what} within ${limitMs} ms.`, {
      cause,
      details,
    });
  }
  // Not the caller's fault: it cannot be put right in the request.
  if (isDenied(cause)) {
    const what = `The IPFS node at ${url.host} requires a token. Give the one from its configuration.`;
    return new StoreUnavailableError(what, { cause, details });
  }
  if (isNodeAnswer(cause)) {
    return new AnswerError(`The IPFS node at ${url.host} does not ${what}: ${shown((cause as Error).message)}`, {
      cause,
    });
  }
  return new StoreUnavailableError(`The IPFS node at ${url.host} cannot be reached. Check that it is running.`, {
    cause,
    details,
  });
}

function shown(said: string): string {
  return said.slice(0, 300);
}

function orAbort<T>(wait: Promise<T>, abort: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<T>();
  const onAbort = () => reject(abort.reason);
  if (abort.aborted) onAbort();
  abort.addEventListener('abort', onAbort, { once: true });
  return Promise.race([wait, promise]).finally(() => abort.removeEventListener('abort', onAbort));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
