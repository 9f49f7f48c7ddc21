import { PlumblineError } from '../../core/errors.ts';

/** The outbox's bytes are not what was written to them. */
export class OutboxDamagedError extends PlumblineError {
  override readonly name = 'OutboxDamagedError';
  readonly kind = 'file';
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
