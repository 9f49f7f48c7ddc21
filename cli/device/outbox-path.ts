import { resolve } from 'node:path';

/** The outbox lies beside the provision file and is called like it: `device.json` has `device.outbox`. */
export function outboxPathOf(provisionPath: string): string {
  return `${resolve(provisionPath).replace(/\.json$/, '')}.outbox`;
}
