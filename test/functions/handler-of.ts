import { portsOf, type ServicePorts } from '../../functions/ports.ts';
import { eventRows, type FunctionName, httpRows } from '../../functions/table.ts';
import { loadHandler } from '../../local/host/invoke-function.ts';

/** A function's handler as any host makes it: with those of the ports that its row lets it touch, and no other. */
export async function handlerOf<Answer>(
  name: FunctionName,
  ports: ServicePorts,
): Promise<(event: unknown, context: object) => Promise<Answer>> {
  const row = { ...httpRows, ...eventRows }[name];
  const handlerFor = await loadHandler(row);
  return handlerFor(portsOf(row, ports)) as (event: unknown, context: object) => Promise<Answer>;
}
