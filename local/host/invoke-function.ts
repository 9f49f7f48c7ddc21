import { randomUUID } from 'node:crypto';
import type { ServicePorts } from '../../functions/ports.ts';
import type { FunctionRow } from '../../functions/table.ts';

/** A function of the table, ready to be run as Lambda would run it. */
export interface LocalFunction {
  readonly row: FunctionRow;
  /** @throws TimeoutError when the function's time is up; what it throws itself */
  invoke(event: unknown): Promise<unknown>;
}

type LambdaHandler = (event: unknown, context: unknown) => Promise<unknown>;

export async function loadFunction(row: FunctionRow, ports: ServicePorts): Promise<LocalFunction> {
  const { handlerFor } = await row.load();
  const handler = handlerFor(ports) as LambdaHandler;
  return {
    row,
    async invoke(event) {
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
    },
  };
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
