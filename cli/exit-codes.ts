import { CommanderError } from 'commander';
import { type ErrorKind, PlumblineError } from '../core/errors.ts';

/** What `plumb` ends with. */
export const EXIT = {
  ok: 0,
  /** A check ran and something is not intact, or not all of it could be got. */
  notIntact: 1,
  usage: 2,
  unavailable: 3,
  refused: 4,
  notRecorded: 5,
  state: 6,
  /** Something is odd about an offer, and nobody has said --yes. */
  unconfirmed: 7,
  /** A fault of Plumbline itself. */
  internal: 70,
  interrupted: 130,
} as const;

/** What each code means, as `plumb --help`, the README and docs/errors.md say it. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'ok',
  notIntact: 'something is not intact or was not fetched',
  usage: 'wrong arguments, files or keys',
  unavailable: 'chain, service or store does not answer, or answers wrongly',
  refused: 'the service refuses',
  notRecorded: 'nothing is recorded yet',
  state: 'something else has to happen first',
  unconfirmed: 'nothing was done; look at what is odd, then add --yes',
  internal: 'an error in plumb itself',
  interrupted: 'interrupted',
};

/** Whose turn it is decides: every kind of error has its code, and none is guessed. */
export const EXIT_OF_KIND = {
  arguments: 'usage',
  file: 'usage',
  answer: 'unavailable',
  unavailable: 'unavailable',
  chain: 'unavailable',
  refused: 'refused',
  'not-recorded': 'notRecorded',
  state: 'state',
  defect: 'internal',
} as const satisfies Readonly<Record<ErrorKind, keyof typeof EXIT>>;

/** The exit code for what a command threw. What is not an error of ours is a fault of ours. */
export function exitCodeOf(error: unknown): number {
  // Commander has said what is wrong with the arguments, or has printed the help or version that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (isAbort(error)) return EXIT.interrupted;
  if (error instanceof PlumblineError) return EXIT[EXIT_OF_KIND[error.kind]];
  return EXIT.internal;
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'ExitPromptError');
}

/** `0 ok, 1 …`: all codes on lines of at most `width` characters. */
export function exitCodesInWords(width: number): string {
  const codes = Object.entries(EXIT).map(([name, code]) => `${code} ${EXIT_MEANINGS[name as keyof typeof EXIT]}`);
  const lines = [''];
  for (const word of `Exit codes: ${codes.join(', ')}.`.split(' ')) {
    const line = lines.at(-1) as string;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
