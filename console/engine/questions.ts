import type { StepValues } from '../../core/evidence/verify-evidence.ts';
import type { AgreementState } from '../../core/ports/agreements.ts';

/*
 * What the page asks its worker. The worker holds the keys, core and client; the page only draws what it is told. All of it can
 * be copied from one to the other: numbers, texts and bytes.
 */

export interface Place {
  readonly chainId: number;
  readonly dissc: string;
  /** The node that the chain is read from, without what may be a secret of its address. */
  readonly chainHost: string;
  /** Whether that node is asked through the server that the page is from. */
  readonly isThroughServer: boolean;
  readonly hasAgreements: boolean;
}

/** Who reads. `owner` verifies and reads, `auditor` verifies, `nobody` sees what is public. */
export interface Reader {
  readonly kind: 'nobody' | 'owner' | 'auditor';
  readonly account: string | null;
  /** What is missing or was left aside, in sentences. */
  readonly notes: readonly string[];
}

export interface ChainTime {
  readonly blockNumber: number;
  readonly timestampMs: number;
}

export interface DatasetRow {
  readonly dataset: string;
  /** As the owner named it; null where no charter is on the chain. */
  readonly name: string | null;
  /** 0 encrypted, 1 plain, 2 attached; null where that is not known. */
  readonly kind: 0 | 1 | 2 | null;
  readonly owner: string | null;
  /** Blocks on DISSC at the latest and at the final chain block; null while that is being read. */
  readonly recorded: number | null;
  readonly final: number | null;
}

export interface Overview {
  readonly rows: readonly DatasetRow[];
  readonly latest: ChainTime;
  readonly final: ChainTime;
}

/** What rounds and the service say of a dataset, as far as it could be asked. */
export interface Standing {
  readonly dataset: string;
  /** Blocks in its anchorer's newest final round; null where it is in none. */
  readonly anchored: number | null;
  readonly round: { readonly number: number; readonly timeMs: number; readonly isOwnWord: boolean } | null;
  readonly isLate: boolean;
  /** By the service's word; null where it does not tell this reader. */
  readonly stored: number | null;
  readonly sizeBytes: number | null;
  readonly oldestWaitingMs: number | null;
  readonly lastCaptureMs: number | null;
  readonly lastSeenMs: number | null;
  /** What is proven wrong with how it has grown. */
  readonly faults: readonly string[];
  /** Why something is not known. */
  readonly notes: readonly string[];
}

/** A block's state in the heat map. The number is also how much it matters: where blocks share a cell, the highest is shown. */
export const STATE = {
  unchecked: 0,
  attested: 1,
  possession: 2,
  retrieved: 3,
  disowned: 4,
  unrecorded: 5,
  refused: 6,
  missing: 7,
  damaged: 8,
} as const;
export type State = (typeof STATE)[keyof typeof STATE];

export interface VerifyProgress {
  readonly checked: number;
  readonly wanted: number;
  /** Blocks, and the state of each in its place. */
  readonly blocks: Uint32Array;
  readonly states: Uint8Array;
}

export interface DamagedPlace {
  readonly from: number;
  readonly to: number;
  readonly verdict: string;
  readonly reason: string;
  readonly signer: string | null;
  readonly blame: string | null;
}

export interface VerifyResult {
  readonly ok: boolean;
  readonly checked: number;
  readonly total: number;
  readonly intact: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly evidence: string;
  readonly proves: string;
  readonly assurance: string;
  readonly chain: ChainTime & { readonly root: string };
  readonly recorded: number;
  readonly anchored: number | null;
  readonly faults: readonly string[];
  readonly damaged: readonly DamagedPlace[];
  readonly disowned: readonly { readonly from: number; readonly to: number }[];
  readonly endedAtMs: number;
}

/** One step of the paper's tables, with what stood on both sides. */
export interface BlockStep {
  readonly title: string;
  /** The number in the paper's table; null where it has none. */
  readonly paper: string | null;
  readonly values: StepValues;
  /** Why it breaks here; null where it holds. */
  readonly reason: string | null;
}

export interface BlockReport {
  readonly index: number;
  readonly verdict: string;
  readonly reason: string | null;
  readonly steps: readonly BlockStep[];
  readonly name: string | null;
  readonly capturedAtMs: number | null;
  readonly sizeBytes: number | null;
  readonly signer: string | null;
  readonly state: State;
}

/** A file, or all messages of a topic, as far as the blocks looked at show it. */
export interface NamedContent {
  /** Empty: lines that came without a name. */
  readonly name: string;
  readonly type: string | null;
  readonly sizeBytes: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly firstBlock: number;
  readonly lastBlock: number;
  readonly blocks: number;
  readonly damagedBlocks: number;
}

/** One line to draw: times in ms, in their order, and a value for each. */
export interface Series {
  readonly name: string;
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** Spans between two of its readings in which blocks of it are damaged or gone: nothing is drawn there. */
  readonly gaps: readonly { readonly fromMs: number; readonly toMs: number }[];
}

export interface Contents {
  readonly from: number;
  readonly to: number;
  readonly size: number;
  readonly named: readonly NamedContent[];
  readonly series: readonly Series[];
  /** Spans of time in which blocks are damaged or gone: nothing is drawn there. */
  readonly gaps: readonly {
    readonly fromMs: number;
    readonly toMs: number;
    readonly from: number;
    readonly to: number;
  }[];
  readonly readBytes: number;
  /** Whether the reader stopped before `from` for the bytes that it had. */
  readonly isCut: boolean;
}

export interface RoundRow {
  readonly number: number;
  readonly timeMs: number;
  readonly blockNumber: number;
  readonly txHash: string;
  readonly isFinal: boolean;
}

export interface Rounds {
  readonly anchorer: string | null;
  /** The newest first. */
  readonly rounds: readonly RoundRow[];
  readonly count: number;
  readonly isLate: boolean;
}

export interface AgreementRow {
  readonly id: string;
  readonly state: AgreementState;
  readonly dataset: string;
  readonly first: number;
  readonly count: number;
  readonly owner: string;
  readonly consumer: string | null;
  /** The token's smallest units, as decimal numbers. */
  readonly price: string;
  readonly fee: string;
  readonly bond: string;
  readonly due: string;
  readonly isCoin: boolean;
  readonly acceptByMs: number;
  readonly endMs: number | null;
  readonly question: { readonly asks: 'chunk' | 'key'; readonly block: number; readonly deadlineMs: number } | null;
}

/** Everything that can be asked: what is asked with, what is answered, what is told meanwhile. */
export interface Questions {
  connect: {
    ask: { readonly origin: string; readonly placeText: string; readonly rpcUrl: string | null };
    answer: Place;
    told: never;
  };
  signIn: {
    ask: { readonly files: readonly { readonly name: string; readonly text: string }[]; readonly password: string };
    answer: Reader;
    told: never;
  };
  signOut: { ask: null; answer: Reader; told: never };
  /** Told once which datasets there are, before how far each is. */
  overview: { ask: null; answer: Overview; told: Overview };
  standings: { ask: { readonly datasets: readonly string[] }; answer: readonly Standing[]; told: never };
  verify: {
    ask: {
      readonly dataset: string;
      readonly sample: number | null;
      readonly range: { readonly from: number; readonly to: number } | null;
      readonly evidence: 'possession' | 'retrieved';
    };
    answer: VerifyResult;
    told: VerifyProgress;
  };
  block: { ask: { readonly dataset: string; readonly index: number }; answer: BlockReport; told: never };
  evidence: {
    ask: { readonly dataset: string; readonly from: number; readonly to: number; readonly open: boolean };
    answer: { readonly bytes: Uint8Array; readonly says: string };
    told: { readonly done: number; readonly all: number };
  };
  contents: {
    ask: { readonly dataset: string; readonly to: number | null; readonly count: number };
    answer: Contents;
    told: VerifyProgress;
  };
  file: {
    ask: { readonly dataset: string; readonly name: string; readonly from: number; readonly to: number };
    answer: { readonly bytes: Uint8Array; readonly type: string | null };
    told: { readonly done: number; readonly all: number };
  };
  rounds: { ask: null; answer: Rounds; told: never };
  agreements: { ask: null; answer: readonly AgreementRow[]; told: never };
}
export type Question = keyof Questions;

/** What went wrong, as a reader is told it. */
export interface Failure {
  readonly name: string;
  readonly message: string;
}

export interface ToWorker {
  readonly id: number;
  readonly question: Question | 'abort';
  readonly ask: unknown;
}

export type FromWorker =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly told: unknown }
  | { readonly id: number; readonly failure: Failure };
