import { randomUUID } from 'node:crypto';
import type { ServicePorts } from '../../functions/ports.ts';
import type { FunctionRow } from '../../functions/table.ts';
import type { Gate } from './gate.ts';

/** A function of the table, ready to be run as Lambda would run it. */
export interface LocalFunction {
  readonly row: FunctionRow;
  /** @throws TimeoutError when the function's time is up; what it throws itself */
  invoke(event: unknown): Promise<unknown>;
}

type LambdaHandler = (event: unknown, context: unknown) => Promise<unknown>;

/** Functions that are given a whole processor in Lambda. */
const WHOLE_PROCESSOR_MB = 1_769;

/**
 * A function on these ports. Lambda gives every invocation a machine of its own; here they share one process, so those
 * that need a whole processor pass the gate, and their time counts from there: all at once, all would be late.
 */
export async function loadFunction(row: FunctionRow, ports: ServicePorts, gate: Gate): Promise<LocalFunction> {
  const { handlerFor } = await row.load();
  const handler = handlerFor(ports) as LambdaHandler;
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
  return { row, invoke: row.limits.memoryMb < WHOLE_PROCESSOR_MB ? invoke : (event) => gate.pass(() => invoke(event)) };
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
