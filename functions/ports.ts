import type { Address } from '../core/ids.ts';
import type { Agreements } from '../core/ports/agreements.ts';
import type { GrantRecorder } from '../core/ports/grant-recorder.ts';
import type { Grants } from '../core/ports/grants.ts';
import type { EventScanner, Ledger, Recorder } from '../core/ports/ledger.ts';
import type { DatedLister, ObjectRemover, ObjectStore, ObjectWriter } from '../core/ports/object-store.ts';
import type { P2pfs } from '../core/ports/p2pfs.ts';
import type { Primitives } from '../core/ports/primitives.ts';
import type { RoundReader, RoundRecorder } from '../core/ports/rounds.ts';
import type { Runtime } from '../core/ports/runtime.ts';
import type { Table } from '../core/ports/table.ts';
import type { Observer } from './observe/observer.ts';
import type { FunctionRow, HttpTrigger, May } from './row.ts';

/** What the operator decides; read anew for every request. */
export interface ServiceSettings {
  /** The chain that requests are signed for. */
  readonly chainId: number;
  /** Host names, with their port where it is not the default one, that requests may be addressed to; lower case. */
  readonly authorities: readonly string[];
  /** The account that grants of ASC are made out to: the recorder's. Null: no grant is of this service. */
  readonly cssAccount: Address | null;
  /** Which grants of ASC are accepted. */
  readonly grants: GrantPolicy;
  /**
   * A stored batch waits at most so long for others of its dataset before it is recorded (specification#life-of-a-block).
   */
  readonly recordEveryMs: number;
  /** Rounds follow each other no faster. */
  readonly roundEveryMs: number;
  /**
   * So long every round stays provable; of older ones the last of each day does. Thirty days where it is absent; null: all of
   * them, for good.
   */
  readonly keepRoundsMs?: number | null;
  /** No event of the contracts is in an earlier block. */
  readonly fromBlock: number;
}

/** Whom the operator serves, at any price. */
export interface ServedOwners {
  /**
   * How many stored bytes each of these owners may have; null for one that is not served.
   * @throws StoreUnavailableError when it cannot be read: then nobody is let in
   */
  quotasOf(owners: readonly Address[], signal?: AbortSignal): Promise<(number | null)[]>;
}

/** Which proposed grants this service accepts. */
export interface GrantPolicy {
  /** The least that a record must earn. */
  readonly minPerRecordWei: bigint;
  /**
   * Stored bytes that any owner may have who is not among the owners served, in datasets with an accepted grant; null:
   * nobody else is served.
   */
  readonly openQuotaBytes: number | null;
}

/** Grants of the owners served, at any price. */
export const DEFAULT_GRANT_POLICY: GrantPolicy = { minPerRecordWei: 0n, openQuotaBytes: null };

/** Why the anchor is woken: a log is to be looked at, or a head has come that waits for the next round, whenever that is. */
export type WakeReason = 'look' | 'head';

/** Wakes the anchor function. A lost wake-up costs time only: the anchor acts on state and is woken every minute too. */
export interface AnchorQueue {
  wake(reason: WakeReason, signal?: AbortSignal): Promise<void>;
}

/** What reads stored objects. */
export type ObjectReader = Pick<ObjectStore, 'read' | 'stream' | 'size'>;

/** What reads the service's state. */
export type TableReader = Pick<Table, 'get' | 'query' | 'getMany'>;

/** What answers about stored blocks reaches for. */
export interface ReadingPorts extends Pick<ServicePorts, 'primitives' | 'observer' | 'runtime'> {
  readonly objects: ObjectReader;
  readonly table: TableReader;
}

/** Everything the functions reach the world through. An operation takes only those of them that it uses. */
export interface ServicePorts {
  readonly primitives: Primitives;
  readonly objects: ObjectStore & DatedLister & ObjectWriter & ObjectRemover;
  readonly table: Table;
  readonly ledger: Ledger & EventScanner;
  /** The account that pays. */
  readonly recorder: Recorder;
  /** Rounds on the chain, and those of the account that pays. */
  readonly rounds: RoundReader;
  readonly roundRecorder: RoundRecorder;
  /** OCASC; null where no agreements are served. */
  readonly agreements: Agreements | null;
  /** ASC; null where no consumers are served. */
  readonly grants: Grants | null;
  /** The paying account's calls of ASC; null where no grants are accepted. */
  readonly grantRecorder: GrantRecorder | null;
  readonly owners: ServedOwners;
  readonly anchorQueue: AnchorQueue;
  /** The operator's IPFS node; null where there is none. */
  readonly p2pfs: P2pfs | null;
  readonly settings: () => ServiceSettings;
  readonly runtime: Runtime;
  readonly observer: Observer;
}

/** A function's ports: what every function has, and what its row lets it touch. */
export type PortsOf<Row extends Pick<FunctionRow, 'may' | 'trigger' | 'callers'>> = CommonPorts & {
  readonly settings: () => SettingsOf<Row>;
} & UnionToIntersection<{ [Key in keyof Row['may']]: PortsByRight<Key, Row['may'][Key]> }[keyof Row['may']]>;

/** What every function has: nothing of it reaches anybody. */
export type CommonPorts = Pick<ServicePorts, 'primitives' | 'runtime' | 'observer'>;

/** What the operator decides, as far as the row has to do with it. */
export type SettingsOf<Row extends Pick<FunctionRow, 'may' | 'trigger' | 'callers'>> = Pick<
  ServiceSettings,
  | (Row['trigger'] extends HttpTrigger ? 'authorities' : never)
  | (Row['callers'] extends readonly unknown[] ? 'chainId' : never)
  | SettingsByRight<keyof Row['may']>
  | (Row['may'] extends { readonly dissc: 'record' } ? 'recordEveryMs' | 'roundEveryMs' | 'keepRoundsMs' : never)
>;

type SettingsByRight<Right> = Right extends 'owners'
  ? 'grants'
  : Right extends 'asc'
    ? 'cssAccount'
    : Right extends 'dissc'
      ? 'fromBlock'
      : never;

/** The ports that one right of a row brings. */
export type PortsByRight<Key, Right> = Key extends 'objects'
  ? { readonly objects: ObjectsByRight<Right> }
  : Key extends 'table'
    ? { readonly table: Right extends 'read' ? TableReader : Table }
    : Key extends 'dissc'
      ? Pick<ServicePorts, Right extends 'record' ? 'ledger' | 'recorder' | 'rounds' | 'roundRecorder' : 'ledger'>
      : Key extends 'ocasc'
        ? Pick<ServicePorts, 'agreements'>
        : Key extends 'asc'
          ? Pick<ServicePorts, Right extends 'record' ? 'grants' | 'grantRecorder' : 'grants'>
          : Key extends 'owners'
            ? Pick<ServicePorts, 'owners'>
            : Key extends 'queue'
              ? Pick<ServicePorts, 'anchorQueue'>
              : Key extends 'ipfs'
                ? Pick<ServicePorts, 'p2pfs'>
                : object;

type ObjectsByRight<Right> = Right extends 'presign-get'
  ? Pick<ObjectStore, 'presignGet'>
  : Right extends 'read'
    ? ObjectReader
    : Right extends 'read-list-aside'
      ? ObjectReader & DatedLister & ObjectWriter & ObjectRemover
      : Right extends 'read-put'
        ? ObjectReader & ObjectWriter
        : ObjectReader & Pick<ObjectStore, 'presignPut'>;

type UnionToIntersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (
  all: infer Intersection,
) => void
  ? Intersection
  : never;

/** The names of the ports that a right brings; what is not named, the function is not given. */
const PORTS_BY_RIGHT: { readonly [Key in keyof May]-?: (right: string) => readonly (keyof ServicePorts)[] } = {
  objects: () => ['objects'],
  table: () => ['table'],
  dissc: (right) => (right === 'record' ? ['ledger', 'recorder', 'rounds', 'roundRecorder'] : ['ledger']),
  ocasc: () => ['agreements'],
  asc: (right) => (right === 'record' ? ['grants', 'grantRecorder'] : ['grants']),
  owners: () => ['owners'],
  queue: () => ['anchorQueue'],
  ipfs: () => ['p2pfs'],
};

/** Of all ports those that a row lets its function touch, and of the settings those that it has to do with. */
export function portsOf<Row extends FunctionRow>(row: Row, all: ServicePorts): PortsOf<Row> {
  const { primitives, runtime, observer } = all;
  const granted = Object.entries(row.may).flatMap(([key, right]) =>
    PORTS_BY_RIGHT[key as keyof May](right).map((port) => [port, all[port]]),
  );
  const names = settingsOf(row);
  const settings = () => {
    const decided = all.settings();
    return Object.fromEntries(names.map((name) => [name, decided[name]]));
  };
  return { primitives, runtime, observer, settings, ...Object.fromEntries(granted) } as unknown as PortsOf<Row>;
}

/** The settings that a row has to do with, as `SettingsOf` says it in types. */
export function settingsOf({ trigger, callers, may }: FunctionRow): readonly (keyof ServiceSettings)[] {
  return [
    ...(trigger.kind === 'http' ? (['authorities'] as const) : []),
    ...(Array.isArray(callers) ? (['chainId'] as const) : []),
    ...(may.owners === undefined ? [] : (['grants'] as const)),
    ...(may.asc === undefined ? [] : (['cssAccount'] as const)),
    ...(may.dissc === undefined ? [] : (['fromBlock'] as const)),
    ...(may.dissc === 'record' ? (['recordEveryMs', 'roundEveryMs', 'keepRoundsMs'] as const) : []),
  ];
}
