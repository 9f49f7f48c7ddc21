import { PlumblineError } from '../../core/errors.ts';

/** The outbox's bytes are not what was written to them. */
export class OutboxDamagedError extends PlumblineError {
  override readonly name = 'OutboxDamagedError';
  readonly kind = 'file';
}

/** Captured blocks are not what was written; which of them, reading them one by one tells (set-aside.ts). */
export class BlocksDamagedError extends OutboxDamagedError {
  readonly fromSeq: number;
  readonly toSeq: number;

  /** @param toSeq the first number behind them */
  constructor(shortMessage: string, { fromSeq, toSeq }: { readonly fromSeq: number; readonly toSeq: number }) {
    super(shortMessage);
    this.fromSeq = fromSeq;
    this.toSeq = toSeq;
  }
}

/** What is kept of one batch does not give what was sealed, though each of its blocks is sound by itself. */
export class BatchDamagedError extends OutboxDamagedError {
  readonly missingBlocks: number;

  constructor(shortMessage: string, missingBlocks: number) {
    super(shortMessage);
    this.missingBlocks = missingBlocks;
  }
}

/** Damage that can be set aside, the rest of the outbox being sound. */
export type MendableError = BlocksDamagedError | BatchDamagedError;

export function isMendable(cause: unknown): cause is MendableError {
  return cause instanceof BlocksDamagedError || cause instanceof BatchDamagedError;
}

/** The disk does not take or give the outbox now: full, read-only, busy, failing. It may do so again by itself. */
export class OutboxUnavailableError extends PlumblineError {
  override readonly name = 'OutboxUnavailableError';
  readonly kind = 'unavailable';
}

/** The final log has another batch in this one's place: what was wanted of it is wanted no more. */
export class BatchReplacedError extends PlumblineError {
  override readonly name = 'BatchReplacedError';
  readonly kind = 'state';
}

/** Another process has this outbox open. */
export class OutboxBusyError extends PlumblineError {
  override readonly name = 'OutboxBusyError';
  readonly kind = 'state';
}

/** This outbox is for another dataset, or of another version. */
export class OutboxMismatchError extends PlumblineError {
  override readonly name = 'OutboxMismatchError';
  readonly kind = 'file';
}
