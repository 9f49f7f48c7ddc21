import type { PlumblineError } from '../../core/errors.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { DeviceClock } from '../clock.ts';
import type { Report } from '../events.ts';
import type { CaptureQueue } from '../outbox/capture-queue.ts';
import type { Outbox } from '../outbox/open-outbox.ts';

export interface SourceParts {
  readonly primitives: Primitives;
  readonly runtime: Runtime;
  readonly outbox: Outbox;
  readonly queue: CaptureQueue;
  readonly clock: DeviceClock;
  readonly report: Report;
  /**
   * Whether a file, from a part on, stands in the log already, though this outbox has not captured it: an older copy of it
   * was put back.
   */
  readonly isInLog: (
    file: { readonly name: string; readonly parts: number; readonly fromPart: number },
    readPart: (part: number) => Promise<Uint8Array | null>,
  ) => Promise<boolean>;
  /** How many bytes of a growing file, from a byte on, stand in the log as one piece; 0 when none do. */
  readonly pieceInLog: (
    piece: { readonly name: string; readonly from: number },
    readPiece: (sizeBytes: number) => Promise<Uint8Array>,
  ) => Promise<number>;
}

/** Something that yields bytes. It acknowledges nothing before the queue has it on the disk. */
export interface Source {
  /** The source's own spelling, for people. */
  readonly description: string;
  /**
   * Captures until aborted, or until there is nothing more: the end of a stream; with `once`, everything present.
   * What was read before aborting is given to the queue.
   */
  run(parts: SourceParts, options: { readonly once: boolean }, signal: AbortSignal): Promise<void>;
  /**
   * What went wrong when it has ended and nothing of it was ever captured in this run: whoever started it is told once the
   * run has ended, as all that was captured before is brought on first. Null otherwise.
   */
  failure?(): PlumblineError | null;
  /** Told when batches were checked: what they hold may be removed at the source, where the user wants it. */
  released?(parts: SourceParts): void;
}
