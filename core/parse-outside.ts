import { AnswerError, ArgumentError, FileError, PlumblineError } from './errors.ts';

/*
 * Parsers know values, not where these come from, and blame their argument. At the edge, where a file or somebody's answer
 * is parsed, that place is to blame. Errors that name another turn already pass, and so do faults of the program.
 */

/**
 * Parses what stands in a file.
 * @param remedy a sentence on what to do about it
 * @throws FileError naming its path instead of what the parser has against its argument
 */
export function inFile<T>(path: string, parse: () => T, remedy?: string): T {
  return attribute(parse, (is, cause) => {
    const said = `${path} ${is}`;
    return new FileError(remedy === undefined ? said : `${said} ${remedy}`, { cause });
  });
}

/**
 * Parses what another side answered.
 * @param from who that is, by its address: `The service at https://…`
 * @throws AnswerError naming it instead of what the parser has against its argument
 */
export function inAnswer<T>(from: string, parse: () => T): T {
  return attribute(parse, (is, cause) => {
    const said = `${from} gave an answer that does not match its API. The answer ${is} Check the address.`;
    return new AnswerError(said, { cause });
  });
}

/**
 * Parses plain values that a program passes.
 * @param name what they are: `The connection`
 * @throws ArgumentError naming it and the value that is wrong
 */
export function inArgument<T>(name: string, parse: () => T): T {
  return attribute(parse, (is, cause) => new ArgumentError(`${name} ${is}`, { cause }));
}

function attribute<T>(parse: () => T, explain: (is: string, cause: unknown) => PlumblineError): T {
  try {
    return parse();
  } catch (cause) {
    const is = describe(cause);
    // What a parser of JSON says quotes the text, which may be a secret: it is not kept as the cause.
    throw is === null ? cause : explain(is, cause instanceof SyntaxError ? undefined : cause);
  }
}

/** What a parser has against its argument, to stand behind what it parsed; null when that is not what went wrong. */
function describe(cause: unknown): string | null {
  if (cause instanceof PlumblineError) {
    return cause.kind === 'arguments' ? `cannot be read: ${cause.shortMessage}` : null;
  }
  if (cause instanceof SyntaxError) return 'is not JSON.';
  const issues = (cause as { issues?: unknown } | null)?.issues;
  if (!(cause instanceof Error) || !Array.isArray(issues)) return null;
  // zod's error, which names a place and what is expected there, never the value.
  const [issue] = issues as { path?: PropertyKey[]; message?: string }[];
  return `is malformed at ${issue?.path?.join('.') || 'its top'}: ${issue?.message ?? '?'}.`;
}
