import middy from '@middy/core';
import type { SignedCharter } from '../core/charter/charter.ts';
import { charterKey, encodeCharter } from '../core/charter/charter-file.ts';
import { charterFromWire } from '../core/charter/wire-charter.ts';
import { ArgumentError } from '../core/errors.ts';
import type { DatasetId } from '../core/ids.ts';
import type { ObjectWriter } from '../core/ports/object-store.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import { type CharterPorts, checkInCharter } from './ingest/check-in-charter.ts';
import type { PortsOf } from './ports.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { putCharterRow as row } from './table.ts';

interface Ports extends CharterPorts {
  readonly objects: ObjectWriter;
}

/**
 * Keeps a charter that was shown, and puts it into the bucket, where whoever restores finds it.
 * @returns false when the very same charter was kept before
 * @throws Problem as checking in does
 */
export async function putCharter(
  ports: Ports,
  shown: { readonly dataset: DatasetId; readonly charter: SignedCharter },
  signal?: AbortSignal,
): Promise<boolean> {
  const stored = await checkInCharter(ports, shown, signal);
  await ports.objects.put(charterKey(shown.dataset, shown.charter.serial), encodeCharter(shown.charter), signal);
  return stored;
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ params, body, signal }: Call<typeof row, null>) => {
    const stored = await putCharter(ports, { ...params, charter: parseCharter(body) }, signal);
    return jsonAnswer({ stored });
  }).use(httpMiddleware(ports, row, admitAnyone(row)));

function parseCharter(body: Parameters<typeof charterFromWire>[0]): SignedCharter {
  try {
    return charterFromWire(body);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new Problem('/problems/bad-request', `body: ${error.shortMessage}`);
  }
}
