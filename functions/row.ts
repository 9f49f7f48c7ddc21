import type * as z from 'zod';

/** Parties of the dataset in the path, by the chain. */
export type DatasetCaller = 'owner' | 'device';
/** Parties of the agreement in the path or the query: the owner's agent, and who signs for the consumer. */
export type AgreementCaller = 'agent' | 'signer';
/** Who may call; `anyone` needs not even sign. */
export type Caller = DatasetCaller | AgreementCaller;

/** What grants of ASC tell apart: digests for Protocol III, blocks for IV (specification#asc). */
export type Kind = 'digests' | 'blocks';

export interface HttpTrigger {
  readonly kind: 'http';
  readonly method: 'GET' | 'POST';
  /** Parameters in braces; each is a field of `request.params`. */
  readonly path: string;
}

/** How messages wait for their function. */
export interface Queueing {
  /** Messages for one invocation. */
  readonly batch: number;
  /** Invocations at once; null: one after the other, in the order of the queue. */
  readonly atOnce: number | null;
  /** A message that failed so often is put aside. */
  readonly receives: number;
  readonly keptSeconds: number;
  /** What the operator is told when a message was put aside, and under which name. */
  readonly putAside: { readonly alarm: string; readonly says: string };
}

/** Events of the object store, as S3 names them. */
export interface StoreTrigger {
  readonly kind: 's3-event';
  readonly events: readonly string[];
  /** Of objects whose keys end so: others beside them are the service's own. */
  readonly suffix: string;
  readonly queue: Queueing;
}

/** Wake-ups, by functions that may and by the clock. */
export interface WakeTrigger {
  readonly kind: 'wake';
  readonly everyMs: number;
  readonly queue: Queueing;
}

export type Trigger = HttpTrigger | StoreTrigger | WakeTrigger;

/**
 * What a function may touch. Its ports (functions/ports.ts), its environment and what its entry opens (lambda/), and its
 * rights in AWS (cdk/) follow from it: what is not here, the function does not get.
 */
export interface May {
  /**
   * `put` writes objects of the service's own, once: tiles of logs, charters. `aside` moves what can never be a segment out of
   * the devices' way.
   */
  readonly objects?: 'read' | 'read-list-aside' | 'presign-get' | 'read-put' | 'read-presign-put';
  readonly table?: 'read' | 'read-write';
  /** DISSC: heads and parties; `record` brings the account that pays. */
  readonly dissc?: 'read' | 'record';
  /** OCASC: agreements. */
  readonly ocasc?: 'read';
  /** ASC: grants to this service; `record` accepts them and is repaid. */
  readonly asc?: 'read' | 'record';
  /** Whom the operator serves, and how much each may store. */
  readonly owners?: 'read';
  readonly queue?: 'wake';
  /** The IPFS node that the operator has configured, if any. */
  readonly ipfs?: 'import';
}

export interface Limits {
  readonly timeoutMs: number;
  /** Of the request's body, or of one message. */
  readonly bodyBytes: number;
  readonly memoryMb: number;
  /** How long an address is good that the function gives away (presigned); for those that may presign. */
  readonly presignedSeconds?: number;
}

/** A function, as data. The file of function `name` is `functions/<name>.ts`, its entry in Lambda `lambda/<name>.ts`. */
export interface FunctionRow {
  readonly name: string;
  readonly trigger: Trigger;
  /** Whether it may be called by Lambda Invoke, with the same signed request as over HTTP. */
  readonly invoke: boolean;
  readonly callers: readonly Caller[] | 'anyone' | 'service';
  readonly may: May;
  readonly limits: Limits;
}

export interface HttpRow extends FunctionRow {
  readonly trigger: HttpTrigger;
  readonly callers: readonly Caller[] | 'anyone';
  /** What an agreement's parties get of the dataset, under the agreement in the query. */
  readonly delivers?: Kind;
  readonly request: { readonly params: z.ZodType; readonly query: z.ZodType; readonly body: z.ZodType };
  /** JSON by a schema, or another media type (core/wire/answers.ts has the layout of dag-cbor answers). */
  readonly response: ({ readonly json: z.ZodType } | { readonly media: string }) & { readonly status?: 202 };
}

export interface EventRow extends FunctionRow {
  readonly trigger: StoreTrigger | WakeTrigger;
  readonly callers: 'service';
}

/**
 * Whose work an invocation is. Each kind has bounds of its own, on every host, so that none keeps the others waiting:
 * `public` is asked for by strangers, `events` by the object store, `heavy` needs a whole processor for callers who have
 * signed; `light` is the rest.
 */
export type WorkKind = 'public' | 'events' | 'heavy' | 'light';

/** Memory for which Lambda gives a whole processor. */
const WHOLE_PROCESSOR_MB = 1_769;

export function workOf({ callers, trigger, limits }: FunctionRow): WorkKind {
  if (trigger.kind === 's3-event') return 'events';
  if (callers === 'anyone') return 'public';
  return trigger.kind === 'http' && limits.memoryMb >= WHOLE_PROCESSOR_MB ? 'heavy' : 'light';
}
