import { InvalidInputError } from '../../core/errors.ts';

/** What `--source` says. */
export type SourceChoice =
  | { readonly kind: 'dir'; readonly path: string }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'cmd'; readonly command: string };

/** Reads `dir:PATH`, `stdin` or `cmd:COMMAND`. @throws InvalidInputError */
export function parseSource(text: string): SourceChoice {
  if (text === 'stdin') return { kind: 'stdin' };
  const rest = text.slice(4);
  if (text.startsWith('dir:') && rest !== '') return { kind: 'dir', path: rest };
  if (text.startsWith('cmd:') && rest.trim() !== '') return { kind: 'cmd', command: rest };
  throw new InvalidInputError(
    `${JSON.stringify(text.slice(0, 80))} is no source. Give dir:PATH, stdin or cmd:'COMMAND'.`,
  );
}
