/** What is counted, of a minute or of all. */
export interface Counts {
  /** JSON-RPC requests of the service, those of a batch each by itself: as providers count. */
  rpcRequests: number;
  /** Requests over HTTP that carried them. */
  rpcTrips: number;
  /** Requests to DynamoDB. */
  tableReads: number;
  tableWrites: number;
  /** Items of these requests: DynamoDB is paid by them. */
  itemsRead: number;
  itemsWritten: number;
  /** Writes whose condition did not hold. */
  refusedWrites: number;
  /** Of items read and written. */
  tableBytes: number;
  /** Requests to S3 by functions and devices. */
  objectRequests: number;
  objectBytes: number;
  /** Messages sent, taken and taken away. */
  queueRequests: number;
  kmsRequests: number;
  /** Of functions. */
  invocations: number;
  /** JSON-RPC requests of the devices to their own nodes. */
  deviceRpcRequests: number;
  /** Calls of the devices to the service that were refused or failed. */
  failedCalls: number;
}

export type CountName = keyof Counts;

export const NO_COUNTS: Counts = {
  ...{
    rpcRequests: 0,
    rpcTrips: 0,
    tableReads: 0,
    tableWrites: 0,
    itemsRead: 0,
    itemsWritten: 0,
    refusedWrites: 0,
    tableBytes: 0,
    objectRequests: 0,
    objectBytes: 0,
  },
  ...{ queueRequests: 0, kmsRequests: 0, invocations: 0, deviceRpcRequests: 0, failedCalls: 0 },
};

/** Counts by minute, and by who asked. */
export class Counting {
  #minute: Counts = { ...NO_COUNTS };
  readonly byParty = new Map<string, Counts>();

  add(party: string, name: CountName, count = 1): void {
    this.#minute[name] += count;
    const known = this.byParty.get(party) ?? { ...NO_COUNTS };
    known[name] += count;
    this.byParty.set(party, known);
  }

  /** What came since the last time. */
  takeMinute(): Counts {
    const taken = this.#minute;
    this.#minute = { ...NO_COUNTS };
    return taken;
  }
}

export function sumCounts(all: readonly Counts[]): Counts {
  const sum = { ...NO_COUNTS };
  for (const one of all) for (const name of Object.keys(sum) as CountName[]) sum[name] += one[name];
  return sum;
}
