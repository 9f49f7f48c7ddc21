import type { AgreementId } from '../../core/ids.ts';

/**
 * Who waits for its turn with an agreement, within one handler: they need not race each other for the table. Made once for
 * a handler.
 */
export class AgreementTurns {
  readonly #last = new Map<AgreementId, Promise<unknown>>();

  /**
   * Acts when all that came before have; `isFirst` when there were none. Who is aborted leaves the queue at once.
   * @throws what `act` throws, or the signal's reason
   */
  async inTurn<T>(id: AgreementId, signal: AbortSignal | undefined, act: (isFirst: boolean) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    const before = this.#last.get(id);
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const acted = Promise.race([before, aborted.promise]).then(() => act(before === undefined));
    const over = Promise.allSettled([before, acted]);
    this.#last.set(id, over);
    try {
      return await acted;
    } finally {
      signal?.removeEventListener('abort', abort);
      if (this.#last.get(id) === over) this.#last.delete(id);
    }
  }
}
