import { randomUUID } from 'node:crypto';
import { type PortsOf, portsOf, type ServicePorts } from '../../functions/ports.ts';
import type { FunctionRow } from '../../functions/row.ts';
import type { Gates } from './gates.ts';

/** A function of the table, ready to be run as Lambda would run it. */
export interface LocalFunction {
  readonly row: FunctionRow;
  /**
   * Whoever aborts the signal leaves the queue; what runs already is run to its end.
   * @throws TimeoutError when the function's time is up, StoreUnavailableError when too many wait for their turn; what it throws
   *   itself
   */
  invoke(event: unknown, signal?: AbortSignal): Promise<unknown>;
}

type LambdaHandler = (event: unknown, context: unknown) => Promise<unknown>;
/** What the file of every function exports. */
type HandlerMaker<Row extends FunctionRow> = (ports: PortsOf<Row>) => LambdaHandler;

/**
 * A function on those of these ports that its row lets it touch. Lambda gives every invocation a machine of its own; here
 * they share one process, so invocations pass gates, and their time counts from there: all at once, all would be late.
 */
export async function loadFunction(row: FunctionRow, ports: ServicePorts, gates: Gates): Promise<LocalFunction> {
  const handlerFor = await loadHandler(row);
  const handler = handlerFor(portsOf(row, ports));
  const invoke = async (event: unknown): Promise<unknown> => {
    const endsAtMs = performance.now() + row.limits.timeoutMs;
    const timeUp = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      timeUp.reject(new DOMException(`${row.name} took longer than ${row.limits.timeoutMs} ms.`, 'TimeoutError'));
    }, row.limits.timeoutMs);
    try {
      return await Promise.race([handler(event, lambdaContext(row, endsAtMs)), timeUp.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
  return { row, invoke: (event, signal) => gates.pass(row, event, () => invoke(event), signal) };
}

/** A row does not know its function: the file has its name. */
export async function loadHandler<Row extends FunctionRow>({ name }: Row): Promise<HandlerMaker<Row>> {
  const { handlerFor } = (await import(`../../functions/${name}.ts`)) as { handlerFor: HandlerMaker<Row> };
  return handlerFor;
}

function lambdaContext({ name, limits }: FunctionRow, endsAtMs: number) {
  const ignored = () => undefined;
  return {
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    memoryLimitInMB: String(limits.memoryMb),
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, Math.round(endsAtMs - performance.now())),
    done: ignored,
    fail: ignored,
    succeed: ignored,
  };
}
