/** What the system's refusal means, for a person who reads it in `plumb device status`. */
export function reasonOfFault(what: string, cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  const words = WORDS[code ?? ''];
  return `${what} (${code ?? (cause instanceof Error ? cause.message : 'unknown error')})${words === undefined ? '.' : `: ${words}`}`;
}

/** Whether the system says it of a path or a file, and not the outbox, which concerns all. */
export function isOfTheSystem(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && typeof (cause as NodeJS.ErrnoException).syscall === 'string';
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'give the user of this device the right to read it.',
  EPERM: 'give the user of this device the right to read it.',
  EIO: 'the disk cannot read it. Check the disk.',
  EMFILE: 'this process has too many files open.',
};
