import type { Transport } from './transport.ts';

/** What went to and fro, bodies counted. */
export interface Traffic {
  requests: number;
  sentBytes: number;
  receivedBytes: number;
}

/** A transport that counts what it carries. */
export function countTraffic(transport: Transport): {
  readonly transport: Transport;
  readonly traffic: Readonly<Traffic>;
} {
  const traffic: Traffic = { requests: 0, sentBytes: 0, receivedBytes: 0 };
  return {
    traffic,
    transport: async (called, request, signal) => {
      traffic.requests += 1;
      traffic.sentBytes += (request.body as Uint8Array | undefined)?.length ?? 0;
      const response = await transport(called, request, signal);
      traffic.receivedBytes += response.body.length;
      return response;
    },
  };
}
