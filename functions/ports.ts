import type { Address } from '../core/ids.ts';
import type { Agreements } from '../core/ports/agreements.ts';
import type { GrantRecorder } from '../core/ports/grant-recorder.ts';
import type { Grants } from '../core/ports/grants.ts';
import type { Ledger, Recorder } from '../core/ports/ledger.ts';
import type { ObjectStore } from '../core/ports/object-store.ts';
import type { P2pfs } from '../core/ports/p2pfs.ts';
import type { Primitives } from '../core/ports/primitives.ts';
import type { Runtime } from '../core/ports/runtime.ts';
import type { Table } from '../core/ports/table.ts';
import type { Observer } from './observe/observer.ts';

/** What the operator decides; read anew for every request, so that a running host can be told of a new owner. */
export interface ServiceSettings {
  /** Owners this service stores for, and how many stored bytes each may have. */
  readonly owners: ReadonlyMap<Address, number>;
  /** Host names, with their port where it is not the default one, that requests may be addressed to; lower case. */
  readonly authorities: readonly string[];
  /** A stored batch waits at most so long for others of its dataset before it is recorded (design §3); 0 when not given. */
  readonly recordEveryMs?: number;
  /** The account that grants of ASC are made out to: the recorder's. Without it, no grant is of this service. */
  readonly cssAccount?: Address;
  /** Which grants of ASC are accepted; when not given, those of the owners above, at any price. */
  readonly grants?: GrantPolicy;
  /** No event of the contracts is in an earlier block; 0 when not given. */
  readonly fromBlock?: number;
}

/** Which proposed grants this service accepts. */
export interface GrantPolicy {
  /** The least that a recorded batch must earn. */
  readonly minPerBatchWei: bigint;
  /**
   * Stored bytes that any owner may have who is not among the owners served, in datasets with an accepted grant; null:
   * nobody else is served.
   */
  readonly openQuotaBytes: number | null;
}

export const DEFAULT_GRANT_POLICY: GrantPolicy = { minPerBatchWei: 0n, openQuotaBytes: null };

/** Wakes the anchor function. A lost wake-up costs time only: the anchor acts on state and is woken every minute too. */
export interface AnchorQueue {
  wake(signal?: AbortSignal): Promise<void>;
}

/** Everything the functions reach the world through. An operation takes only those of them that it uses. */
export interface ServicePorts {
  readonly primitives: Primitives;
  readonly objects: ObjectStore;
  readonly table: Table;
  readonly ledger: Ledger;
  /** The paying account; only the anchor function has one. */
  readonly recorder: Recorder | null;
  /** The same account's calls of ASC; only the anchor function has them, and only where grants are accepted. */
  readonly grantRecorder?: GrantRecorder;
  readonly anchorQueue: AnchorQueue;
  /** OCASC; absent where no agreements are served. */
  readonly agreements?: Agreements;
  /** ASC; absent where no consumers are served. */
  readonly grants?: Grants;
  /** The operator's IPFS node; absent where there is none. */
  readonly p2pfs?: P2pfs;
  readonly settings: () => ServiceSettings;
  readonly nowMs: () => number;
  readonly runtime: Runtime;
  readonly observer: Observer;
}
