import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { base58btc } from 'multiformats/bases/base58';
import { readBody } from '../host/read-body.ts';
import { openBlockFolder } from './block-folder.ts';
import { RpcError } from './rpc-error.ts';

export interface IpfsOptions {
  /** Blocks, pins and the node's identity; created when missing, used by one process at a time. */
  readonly folder: string;
  /** 0, the default, takes any free one. */
  readonly port?: number;
  /** For one request, answer sent. */
  readonly requestTimeoutMs?: number;
}

export interface RunningIpfs {
  /** Base of the RPC, for kubo-rpc-client: without `/api/v0`. */
  readonly apiUrl: string;
  stop(): Promise<void>;
}

/** A segment, or a file that is added; what is larger does not belong into memory. */
const MAX_BODY_BYTES = 64 * 2 ** 20;
const MAX_TARGET_CHARS = 8_000;
const REQUEST_TIMEOUT_MS = 60_000;
const PREFIX = '/api/v0/';

/**
 * Starts the embedded P2PFS: enough of Kubo's RPC for kubo-rpc-client, over UnixFS and a folder of blocks, on loopback
 * only. It has no peers. As with Kubo's, whoever reaches the RPC may do everything; so a page in a browser must not:
 * requests with a foreign Origin or Host are refused.
 * @throws when the port is taken or the folder cannot be used
 */
export async function startIpfs(options: IpfsOptions): Promise<RunningIpfs> {
  const { folder, port = 0, requestTimeoutMs = REQUEST_TIMEOUT_MS } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const node = { folder: await openBlockFolder(folder), ...(await openIdentity(folder)) };
  const server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: 10_000, keepAliveTimeout: 5_000 });
  server.maxConnections = 64;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(requestTimeoutMs)]);
    response.on('error', () => undefined);
    answer(incoming, response, signal).catch((error: unknown) => refuse(response, error));
  });

  async function answer(incoming: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    requireOwn(incoming, authority);
    const target = incoming.url ?? '';
    if (target.length > MAX_TARGET_CHARS) throw new RpcError('the address is too long', 414);
    const url = new URL(target, `http://${authority}`);
    const name = url.pathname.startsWith(PREFIX) ? url.pathname.slice(PREFIX.length) : '';
    // Loaded with the first call: a stack that uses no IPFS need not wait for its libraries.
    const { COMMANDS } = await import('./answer-rpc.ts');
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) throw new RpcError('404 page not found', 404);
    if (incoming.method !== 'POST') throw new RpcError('405 method not allowed', 405);
    const answered = await command(node, { query: url.searchParams, readFile: () => readFilePart(incoming), signal });
    if ('json' in answered) {
      response.setHeader('content-type', 'application/json').end(`${JSON.stringify(answered.json)}\n`);
      return;
    }
    response.setHeader('content-type', 'lines' in answered ? 'application/json' : 'application/octet-stream');
    const parts = 'lines' in answered ? answered.lines : answered.bytes;
    for await (const part of parts) {
      signal.throwIfAborted();
      const sent = response.write(part instanceof Uint8Array ? part : `${JSON.stringify(part)}\n`);
      if (!sent) await once(response, 'drain', { signal });
    }
    response.end();
  }

  return {
    apiUrl: `http://${authority}`,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function requireOwn({ headers }: IncomingMessage, authority: string): void {
  const port = authority.slice(authority.indexOf(':'));
  const own = [authority, `localhost${port}`];
  if (!own.includes(headers.host ?? '')) throw new RpcError('403 - Forbidden: this Host is not served', 403);
  const { origin, referer } = headers;
  const from = origin ?? referer;
  if (from === undefined) return;
  const host = URL.canParse(from) ? new URL(from).host : '';
  if (!own.includes(host)) throw new RpcError('403 - Forbidden: requests of this Origin are refused', 403);
}

/** The one file of a multipart body. */
async function readFilePart(incoming: IncomingMessage): Promise<Uint8Array> {
  const body = await readBody(incoming, MAX_BODY_BYTES);
  if (body === null) throw new RpcError(`the body is larger than ${MAX_BODY_BYTES} bytes`, 413);
  const headers = { 'content-type': incoming.headers['content-type'] ?? '' };
  const form = await new Response(body as Uint8Array<ArrayBuffer>, { headers }).formData().catch(() => null);
  const files = [...(form?.values() ?? [])].filter((value) => typeof value !== 'string');
  const [file] = files;
  if (file === undefined || files.length > 1) throw new RpcError('exactly one file is wanted in the body', 400);
  return new Uint8Array(await file.arrayBuffer());
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const status = error instanceof RpcError ? error.status : 500;
  const said = error instanceof Error ? error.message : 'unknown error';
  // A body that was not read is not waited for.
  response.setHeader('connection', 'close');
  if (status === 500) {
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ Message: said, Code: 0, Type: 'error' })}\n`);
  } else {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`${said}\n`);
  }
}

/** An Ed25519 public key, which is what a peer's id says; nothing is ever signed with it. */
async function openIdentity(folder: string): Promise<{ peerId: string; publicKey: string }> {
  const path = join(folder, 'identity');
  const key = await readFile(path).catch(async () => {
    const made = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    await writeFile(path, made, { mode: 0o600 });
    return made;
  });
  // libp2p: protobuf {type: Ed25519, data}, behind the identity multihash.
  const encoded = Buffer.concat([Uint8Array.of(0x08, 0x01, 0x12, 0x20), key]);
  const multihash = Buffer.concat([Uint8Array.of(0x00, encoded.length), encoded]);
  return { peerId: base58btc.encode(multihash).slice(1), publicKey: encoded.toString('base64') };
}
