import type { IncomingMessage } from 'node:http';

/** A request's body, or null when it is longer than allowed. Rejects when the client goes away. */
export async function readBody(incoming: IncomingMessage, mostBytes: number): Promise<Uint8Array | null> {
  if (Number(incoming.headers['content-length'] ?? 0) > mostBytes) return null;
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  const ended = Promise.withResolvers<'complete' | 'too-long'>();
  const onData = (part: Buffer) => {
    sizeBytes += part.length;
    if (sizeBytes > mostBytes) ended.resolve('too-long');
    else parts.push(part);
  };
  incoming.on('data', onData);
  incoming.once('end', () => ended.resolve('complete'));
  incoming.once('error', (error) => ended.reject(error));
  incoming.once('close', () => ended.reject(new Error('The client has gone away.')));
  const how = await ended.promise;
  incoming.off('data', onData);
  return how === 'complete' ? Buffer.concat(parts) : null;
}
