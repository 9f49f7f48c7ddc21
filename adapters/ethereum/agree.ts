import { LedgerUnavailableError, PlumblineError } from '../../core/errors.ts';
import type { Dissent } from '../../core/ports/chain-witness.ts';

/** What one node answered, or why it did not. */
export interface NodeAnswer<T> {
  readonly host: string;
  readonly answer: T | null;
  /** Null where it answered. */
  readonly silence: PlumblineError | null;
}

/** Asks all nodes at once. What is no failure of ours is thrown. */
export async function askAll<T, N extends { readonly host: string }>(
  nodes: readonly N[],
  ask: (node: N) => Promise<T>,
): Promise<NodeAnswer<T>[]> {
  return Promise.all(
    nodes.map(async (node) => {
      try {
        return { host: node.host, answer: await ask(node), silence: null };
      } catch (error) {
        if (!(error instanceof PlumblineError)) throw error;
        return { host: node.host, answer: null, silence: error };
      }
    }),
  );
}

/**
 * The answer that at least `agree` nodes give; the others that answer something else are noted.
 * @param name of an answer: two are the same when their names are
 * @throws LedgerUnavailableError saying who said what, where none is given by as many
 */
export function agreedAnswer<T>(
  answers: readonly NodeAnswer<T>[],
  {
    agree,
    about,
    name,
    note,
  }: {
    readonly agree: number;
    readonly about: string;
    readonly name: (answer: T) => string;
    readonly note: (dissent: Dissent) => void;
  },
): T {
  const said = answers.flatMap(({ host, answer, silence }) =>
    silence === null ? [{ host, answer: answer as T, named: name(answer as T) }] : [],
  );
  const groups = [...Map.groupBy(said, ({ named }) => named).values()].sort((a, b) => b.length - a.length);
  const [most, next] = groups;
  if (most !== undefined && most.length >= agree && most.length !== next?.length) {
    for (const { host, named } of groups.slice(1).flat()) note({ host, about, said: named });
    return (most[0] as { answer: T }).answer;
  }
  const words = [
    ...said.map(({ host, named }) => `${host} says ${named}`),
    ...answers.flatMap(({ host, silence }) =>
      silence === null ? [] : [`${host} does not answer (${silence.shortMessage})`],
    ),
  ];
  throw new LedgerUnavailableError(
    `${agree === 1 ? 'No node gives a consistent answer' : `Fewer than ${agree} nodes agree`} about ${about}: ${words.join('; ')}. Ask other nodes, or more of them.`,
    { details: { agree } },
  );
}
