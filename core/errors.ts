/** Details a machine may act on: numbers, strings and flags only, never secrets. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

export interface ErrorOptions {
  details?: ErrorDetails;
  cause?: unknown;
}

/**
 * Errors by who can mend them: whose turn it is. Exit codes and problem documents follow from the kind alone, so every
 * error names one, and none is guessed.
 */
export const ERROR_KINDS = {
  arguments: 'Caller: call again with other arguments or keys.',
  file: 'Keeper of the file: correct it, replace it, or name another.',
  answer: 'Other side: its answer does not match its interface. Check that the address is right.',
  unavailable: 'Other side: it does not answer now. Try again later.',
  chain: 'Chain or node: it does not answer now, or gives an impossible answer. Try again, or use another node.',
  refused: 'See the problem type: the service refuses, and the type says what has to change.',
  'not-recorded': 'Device or service: it has recorded nothing yet, or not enough. Wait.',
  state: 'See the message: it says what has to happen first, and when that is possible.',
  defect: 'Plumbline: report the defect.',
} as const;

export type ErrorKind = keyof typeof ERROR_KINDS;

/**
 * The base of every error Plumbline raises on purpose.
 * `shortMessage` says what is wrong, the value, the limit and the remedy; `toJSON` is what `--json` prints.
 */
export abstract class PlumblineError extends Error {
  abstract override readonly name: string;
  /** Whose turn it is. */
  abstract readonly kind: ErrorKind;
  readonly shortMessage: string;
  readonly details: ErrorDetails;

  constructor(shortMessage: string, options: ErrorOptions = {}) {
    super(shortMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.shortMessage = shortMessage;
    this.details = options.details ?? {};
  }

  toJSON(): { name: string; kind: ErrorKind; message: string; details: ErrorDetails } {
    return { name: this.name, kind: this.kind, message: this.shortMessage, details: this.details };
  }
}

/** The caller's arguments: a value is out of its bounds, or two of them contradict each other. */
export class ArgumentError extends PlumblineError {
  override readonly name = 'ArgumentError';
  readonly kind = 'arguments';
}

/** A file is missing, not readable, open to others, or not what it should be. The message names its path. */
export class FileError extends PlumblineError {
  override readonly name = 'FileError';
  readonly kind = 'file';
}

/** The other side (service, store, IPFS node, broker) answered what its interface does not allow. The message names its address. */
export class AnswerError extends PlumblineError {
  override readonly name = 'AnswerError';
  readonly kind = 'answer';
}

/** The node answered what a chain cannot say, or another chain is behind it than was named. */
export class ChainAnswerError extends PlumblineError {
  override readonly name = 'ChainAnswerError';
  readonly kind = 'chain';
}

/** Nothing is wrong with what was asked, but a state has to change first. The message says which, and who changes it. */
export class StateError extends PlumblineError {
  override readonly name = 'StateError';
  readonly kind = 'state';
}

/** Plumbline itself is at fault: a place was reached that cannot be. */
export class DefectError extends PlumblineError {
  override readonly name = 'DefectError';
  readonly kind = 'defect';
}

/** A stored segment is not what the format says; `where` is a byte offset or a field. */
export class SegmentError extends PlumblineError {
  override readonly name = 'SegmentError';
  readonly kind = 'answer';
  readonly where: string;

  constructor(shortMessage: string, where: string, options: ErrorOptions = {}) {
    super(`${shortMessage} (at ${where})`, { ...options, details: { ...options.details, where } });
    this.where = where;
  }
}

/** A proof does not lead where it claims to lead. */
export class ProofError extends PlumblineError {
  override readonly name = 'ProofError';
  readonly kind = 'answer';
}

/** A key does not open what it was given for. */
export class KeyError extends PlumblineError {
  override readonly name = 'KeyError';
  readonly kind = 'arguments';
}

/** Bytes are stored, but the chain does not have them yet. */
export class NotRecordedError extends PlumblineError {
  override readonly name = 'NotRecordedError';
  readonly kind = 'not-recorded';
}

/** The chain cannot be read or written now; nothing is known to have changed. */
export class LedgerUnavailableError extends PlumblineError {
  override readonly name = 'LedgerUnavailableError';
  readonly kind = 'chain';
}

/** A store (objects, table, queue) cannot be reached now. */
export class StoreUnavailableError extends PlumblineError {
  override readonly name = 'StoreUnavailableError';
  readonly kind = 'unavailable';
}

/** The service answered 4xx: trying the same again does not help. `type` is the stable type of the problem document. */
export class RequestRefusedError extends PlumblineError {
  override readonly name = 'RequestRefusedError';
  readonly kind = 'refused';
  readonly type: string;
  readonly status: number;

  constructor(shortMessage: string, problem: { type: string; status: number }, options: ErrorOptions = {}) {
    super(shortMessage, { ...options, details: { ...options.details, ...problem } });
    this.type = problem.type;
    this.status = problem.status;
  }
}
