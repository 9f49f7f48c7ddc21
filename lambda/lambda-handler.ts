import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import { problemAnswer, problemOf } from '../functions/answer/problem.ts';
import type { Observer } from '../functions/observe/observer.ts';
import type { PortsByRight, PortsOf } from '../functions/ports.ts';
import type { FunctionRow } from '../functions/row.ts';
import { Environment } from './environment.ts';
import { createPowertoolsObserver } from './powertools-observer.ts';
import { readSettings } from './settings.ts';

type Handler = (event: unknown, context: unknown) => Promise<unknown>;
type Values = Readonly<Record<string, string | undefined>>;

/** What Lambda calls, and what it opens for that. */
export interface LambdaHandler<Row extends FunctionRow> extends Handler {
  /**
   * The function's ports, from an environment. Nothing is reached for yet but the addresses of the chain's nodes, the public
   * key of the relayer and the token of the IPFS node, where the row has to do with them.
   * @throws StateError naming the variable that is missing or malformed, never its value; StoreUnavailableError when KMS
   * or Secrets Manager do not answer
   */
  openPorts(values: Values, observer: Observer): Promise<PortsOf<Row>>;
}

/** What opens the ports of each right that a row has: none may be missing, none may be more. */
export type OpenersOf<Row extends FunctionRow> = {
  readonly [Key in keyof Row['may']]-?: (
    env: Environment,
  ) => PortsByRight<Key, Row['may'][Key]> | Promise<PortsByRight<Key, Row['may'][Key]>>;
};

/**
 * Lambda's entry to a function. Ports and handler are made from the environment at the first invocation. Where they cannot
 * be made, as when a secret cannot be read, callers over HTTP are told so as of any other part that does not answer, and
 * the next invocation tries again.
 */
export function lambdaHandler<Row extends FunctionRow>(
  row: Row,
  handlerFor: (ports: PortsOf<Row>) => unknown,
  openers: OpenersOf<Row>,
): LambdaHandler<Row> {
  const openPorts = (values: Values, observer: Observer) => openAll(row, openers, values, observer);
  let made: Promise<Handler> | null = null;
  const make = async () => {
    const observer = createPowertoolsObserver(row.name);
    return handlerFor(await openPorts(process.env, observer)) as Handler;
  };
  const handle: Handler = async (event, context) => {
    made ??= make();
    let handler: Handler;
    try {
      handler = await made;
    } catch (error) {
      made = null;
      if (row.trigger.kind !== 'http') throw error;
      console.error(JSON.stringify({ message: 'function not made', function: row.name, error: String(error) }));
      return problemAnswer(problemOf(error));
    }
    return handler(event, context);
  };
  return Object.assign(handle, { openPorts });
}

async function openAll<Row extends FunctionRow>(
  row: Row,
  openers: OpenersOf<Row>,
  values: Values,
  observer: Observer,
): Promise<PortsOf<Row>> {
  const env = new Environment(row, values, observer);
  const opened: object = Object.assign(
    {},
    ...(await Promise.all(
      (Object.values(openers) as ((env: Environment) => object | Promise<object>)[]).map(async (open) => open(env)),
    )),
  );
  const settings = readSettings(row, env, opened);
  const common = { primitives: nodePrimitives, runtime: nodeRuntime, observer, settings: () => settings };
  return { ...opened, ...common } as PortsOf<Row>;
}
