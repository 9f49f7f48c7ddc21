import { createLineObserver } from '../../functions/observe/line-observer.ts';
import type { PortsOf, ServicePorts } from '../../functions/ports.ts';
import type { FunctionRow } from '../../functions/row.ts';
import type { FunctionName } from '../../functions/table.ts';
import type { LambdaHandler } from '../../lambda/lambda-handler.ts';

/** What Lambda loads of a function. */
export async function entryOf(name: FunctionName): Promise<LambdaHandler<FunctionRow>> {
  const { handler } = (await import(`../../lambda/${name}.ts`)) as { handler: LambdaHandler<FunctionRow> };
  return handler;
}

/** The ports that a function's entry opens from an environment, as far as it does. */
export async function openPortsOf(
  name: FunctionName,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Partial<ServicePorts> & Pick<ServicePorts, 'settings'>> {
  const ports: PortsOf<FunctionRow> = await (await entryOf(name)).openPorts(env, silent);
  return ports as Partial<ServicePorts> & Pick<ServicePorts, 'settings'>;
}

const silent = createLineObserver(() => undefined);
