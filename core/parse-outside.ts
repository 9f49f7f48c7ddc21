import { AnswerError, ChainAnswerError, FileError, PlumblineError } from './errors.ts';

/*
 * Parsers know values, not where these come from, and blame their argument. At the edge, where a file or somebody's answer
 * is parsed, that place is to blame. Errors which name another turn already pass, and so do faults of the program.
 */

/** Parses what stands in a file. @throws FileError naming its path instead of what the parser has against its argument */
export function inFile<T>(path: string, parse: () => T): T {
  return attribute(parse, (said, cause) => new FileError(`${path} is not what it should be. ${said}`, { cause }));
}

/**
 * Parses what another side answered.
 * @param from who that is, by its address: `The service at https://…`
 * @throws AnswerError naming it instead of what the parser has against its argument
 */
export function inAnswer<T>(from: string, parse: () => T): T {
  return attribute(
    parse,
    (said, cause) =>
      new AnswerError(`${from} answers something else than its interface says. ${said} Is the address right?`, {
        cause,
      }),
  );
}

/** Parses what a chain's node answered. @param from as of `inAnswer` @throws ChainAnswerError naming it */
export function inChainAnswer<T>(from: string, parse: () => T): T {
  return attribute(
    parse,
    (said, cause) => new ChainAnswerError(`${from} answers what a chain cannot say. ${said}`, { cause }),
  );
}

function attribute<T>(parse: () => T, explain: (said: string, cause: unknown) => PlumblineError): T {
  try {
    return parse();
  } catch (cause) {
    const said = describe(cause);
    throw said === null ? cause : explain(said, cause);
  }
}

/** What a parser has against its argument, as a sentence; null when that is not what went wrong. */
function describe(cause: unknown): string | null {
  if (cause instanceof PlumblineError) return cause.kind === 'arguments' ? cause.shortMessage : null;
  // The message of JSON.parse quotes the text, and that may be a secret.
  if (cause instanceof SyntaxError) return 'It is not JSON.';
  const issues = (cause as { issues?: unknown } | null)?.issues;
  if (!(cause instanceof Error) || !Array.isArray(issues)) return null;
  // zod's error, which names a place and what is expected there, never the value.
  const [issue] = issues as { path?: PropertyKey[]; message?: string }[];
  return `It is malformed at ${issue?.path?.join('.') || 'its top'}: ${issue?.message ?? '?'}.`;
}
