/**
 * What every step of the fleet's world takes, in ms of virtual time. Answers of the services are medians as they are seen within one
 * region; they are assumptions, stated here and nowhere else, and `--latency NAME=MS,…` puts others in their place. Processor
 * time is that of a whole processor; a function that has less memory than gives one takes longer (WHOLE_PROCESSOR_MB).
 */
export interface Latencies {
  /** DynamoDB, any single request: "single-digit millisecond" (AWS). */
  readonly table: number;
  /** A hosted Ethereum node in the same part of the world: one trip, whatever is in it. */
  readonly rpc: number;
  /** S3, small objects, within the region. */
  readonly objects: number;
  /** KMS, one signature of secp256k1. */
  readonly kms: number;
  /** SQS, one message sent. */
  readonly queue: number;
  /** From a stored object to a message that a function may take: S3 says "typically within seconds". */
  readonly event: number;
  /** Between a device and the service or the bucket, there and back. */
  readonly network: number;
  /** A function's first invocation on a new machine. */
  readonly cold: number;
  /** Processor time of a request by the AWS SDK: 0.64 to 0.78 ms, measured on 2 cores (AMD EPYC), Node 24. */
  readonly requestCpu: number;
  /** Of each item that a query brings: 9.8 ms for a page of 256, measured there. */
  readonly itemCpu: number;
  /** Of the signature of an HTTP request: 3.5 to 4.5 ms, measured there. */
  readonly callCpu: number;
  /** Of a segment of one block: its hashes, and the account that signed its head (bench/fleet, the same machine). */
  readonly segmentCpu: number;
}

export const LATENCIES: Latencies = {
  ...{ table: 5, rpc: 40, objects: 25, kms: 15, queue: 8, event: 800, network: 60, cold: 600 },
  ...{ requestCpu: 0.7, itemCpu: 0.04, callCpu: 4, segmentCpu: 3 },
};

/** Memory for which Lambda gives a whole processor (AWS: "at 1,769 MB"). */
export const WHOLE_PROCESSOR_MB = 1_769;
