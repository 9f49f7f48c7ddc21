/** Details a machine may act on: numbers, strings and flags only, never secrets. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

export interface ErrorOptions {
  details?: ErrorDetails;
  cause?: unknown;
}

/**
 * The base of every error Plumbline raises on purpose.
 * `shortMessage` says what is wrong, the value, the limit and the remedy; `toJSON` is what `--json` prints.
 */
export abstract class PlumblineError extends Error {
  abstract override readonly name: string;
  readonly shortMessage: string;
  readonly details: ErrorDetails;

  constructor(shortMessage: string, options: ErrorOptions = {}) {
    super(shortMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.shortMessage = shortMessage;
    this.details = options.details ?? {};
  }

  toJSON(): { name: string; message: string; details: ErrorDetails } {
    return { name: this.name, message: this.shortMessage, details: this.details };
  }
}

/** A value given by a caller or read from outside is out of its bounds. */
export class InvalidInputError extends PlumblineError {
  override readonly name = 'InvalidInputError';
}

/** A stored segment is not what the format says; `where` is a byte offset or a field. */
export class SegmentError extends PlumblineError {
  override readonly name = 'SegmentError';
  readonly where: string;

  constructor(shortMessage: string, where: string, options: ErrorOptions = {}) {
    super(`${shortMessage} (at ${where})`, { ...options, details: { ...options.details, where } });
    this.where = where;
  }
}

/** A proof does not lead where it claims to lead. */
export class ProofError extends PlumblineError {
  override readonly name = 'ProofError';
}

/** A key does not open what it was given for. */
export class KeyError extends PlumblineError {
  override readonly name = 'KeyError';
}

/** Bytes are stored, but the chain does not have them yet. */
export class NotRecordedError extends PlumblineError {
  override readonly name = 'NotRecordedError';
}

/** The chain cannot be read or written now; nothing is known to have changed. */
export class LedgerUnavailableError extends PlumblineError {
  override readonly name = 'LedgerUnavailableError';
}

/** A store (objects, table, queue) cannot be reached now. */
export class StoreUnavailableError extends PlumblineError {
  override readonly name = 'StoreUnavailableError';
}

/** The service answered 4xx: trying the same again does not help. `type` is the stable type of the problem document. */
export class RequestRefusedError extends PlumblineError {
  override readonly name = 'RequestRefusedError';
  readonly type: string;
  readonly status: number;

  constructor(shortMessage: string, problem: { type: string; status: number }, options: ErrorOptions = {}) {
    super(shortMessage, { ...options, details: { ...options.details, ...problem } });
    this.type = problem.type;
    this.status = problem.status;
  }
}
