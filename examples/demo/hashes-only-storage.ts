import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { concatBytes } from '../../core/bytes.ts';
import type { HashedBlock, ProvenChunk } from '../../core/ports/css.ts';
import { encodeHashedBlocks, encodeProvenChunks } from '../../core/wire/answers.ts';
import { hashBlocksRequest, proveChunksRequest } from '../../core/wire/requests.ts';

export interface HashesOnlyStorage {
  readonly apiUrl: string;
  close(): Promise<void>;
}

/**
 * A storage that threw the data away and kept only the hashes: it answers hash-blocks from what it noted, guesses at
 * prove-chunks, and passes get-records, which is public, on to the honest service.
 */
export async function startHashesOnlyStorage(
  honestApiUrl: string,
  noted: ReadonlyMap<number, HashedBlock>,
): Promise<HashesOnlyStorage> {
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Uint8Array[] = [];
      for await (const part of request) parts.push(part as Uint8Array);
      const body = concatBytes(...parts);
      const answer = await answerFor(honestApiUrl, noted, request.url ?? '/', body);
      response.writeHead(answer === null ? 404 : 200, { 'content-type': 'application/vnd.ipld.dag-cbor' });
      response.end(answer ?? '');
    })().catch(() => response.writeHead(500).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    apiUrl: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answerFor(
  honestApiUrl: string,
  noted: ReadonlyMap<number, HashedBlock>,
  path: string,
  body: Uint8Array,
): Promise<Uint8Array | null> {
  const json = (): unknown => JSON.parse(new TextDecoder().decode(body));
  if (path.endsWith('/records')) {
    const headers = { 'content-type': 'application/json' };
    const passed = await fetch(new URL(path, honestApiUrl), {
      method: 'POST',
      headers,
      body: body as Uint8Array<ArrayBuffer>,
    });
    return new Uint8Array(await passed.arrayBuffer());
  }
  if (path.endsWith('/hashes')) {
    const { blocks } = hashBlocksRequest.parse(json());
    const answers = blocks.flatMap((index) => noted.get(index) ?? []);
    return encodeHashedBlocks({ answers, remaining: [] });
  }
  if (path.endsWith('/proofs')) {
    const { challenges } = proveChunksRequest.parse(json());
    const answers = challenges.flatMap(({ index }) => guess(noted.get(index)));
    return encodeProvenChunks({ answers, remaining: [] });
  }
  return null;
}

/** All it can do without the bytes: the right sizes and hashes around a chunk it makes up. */
function guess(known: HashedBlock | undefined): ProvenChunk[] {
  if (known === undefined) return [];
  const { size, sha256, metaHash } = known.opening;
  return [{ index: known.index, size, sha256, metaHash, chunk: new Uint8Array(Math.min(size, 1024)), path: [] }];
}
