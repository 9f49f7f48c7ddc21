/** What is owed to the broker, and what it is known to have of it. */
export interface Acknowledgements {
  /**
   * Acknowledges a message once it is kept, behind those before it.
   * @param packetId null when it asks for no acknowledgement
   */
  add(kept: Promise<void>, packetId: number | null): void;
  /** Messages that came and are not kept and acknowledged yet. */
  countOpen(): number;
  /** Resolves when all that came so far are acknowledged; rejects when one could not be kept. */
  caughtUp(): Promise<void>;
  /** Whether any has left since the last ping. */
  haveLeft(): boolean;
  /** Whether the broker is known to have all that have left. */
  areSettled(): boolean;
  /** A ping leaves: its answer speaks for all before it. */
  ping(): void;
  /** The ping's answer is here. @returns packet ids that the broker is known to have the acknowledgements of now */
  settle(): readonly number[];
}

/**
 * @param send sends one
 * @param fail told when a message could not be kept: neither it nor those behind it are acknowledged, so that the broker
 *   sends them again
 */
export function createAcknowledgements(
  send: (packetId: number) => void,
  fail: (cause: unknown) => void,
): Acknowledgements {
  let last: Promise<void> = Promise.resolve();
  let open = 0;
  /** Since the last ping, and before it. */
  let left: number[] = [];
  let pinged: number[] = [];
  return {
    add(kept, packetId) {
      open++;
      kept.catch(() => undefined);
      last = last
        .then(() => kept)
        .then(() => {
          open--;
          if (packetId === null) return;
          left.push(packetId);
          send(packetId);
        });
      last.catch(fail);
    },
    countOpen: () => open,
    caughtUp: () => last,
    haveLeft: () => left.length > 0,
    areSettled: () => left.length === 0 && pinged.length === 0,
    ping() {
      pinged = left;
      left = [];
    },
    settle() {
      const settled = pinged;
      pinged = [];
      return settled;
    },
  };
}
