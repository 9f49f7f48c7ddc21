import type { Connection } from '../../library/connection.ts';
import { openBucket } from '../../library/connection.ts';
import { bad, type Finding, ok, warn } from './finding.ts';

/** A signed request counts so long before and after the service's clock (specification: 30 s of skew). */
const MOST_SKEW_MS = 30_000;
const NOTABLE_SKEW_MS = 5_000;
/** Answers have their time in whole seconds. */
const CLOCK_GRAIN_MS = 1_000;
const MAX_DOCUMENT_BYTES = 4 * 2 ** 20;

/** Whether the service answers as itself and in this version, and how far its clock is from this one. */
export async function lookAtService(
  { apiUrl }: Connection,
  version: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const beganMs = Date.now();
  const response = await fetch(new URL('/v1/openapi.json', apiUrl), { signal, redirect: 'error' });
  const between = (beganMs + Date.now()) / 2;
  const { host } = new URL(apiUrl);
  const remedy = 'Check that apiUrl is the right address. To start a local stack: plumb local up';
  const document = response.ok ? await readDocument(response) : null;
  if (document === null) {
    return [bad('service', `${host} answers with ${response.status}, but not like a Plumbline service.`, remedy)];
  }
  return [ofVersion(host, document, version), ofClock(host, response.headers.get('date'), between)];
}

function ofVersion(host: string, theirs: string, ours: string): Finding {
  if (theirs === ours) return ok('service', `${host} answers; its interface has version ${ours}, like this program.`);
  return bad(
    'service',
    `${host} has version ${theirs} of the interface, but this program has version ${ours}.`,
    'Use the program of the same release as the service.',
  );
}

function ofClock(host: string, date: string | null, hereMs: number): Finding {
  const thereMs = Date.parse(date ?? '');
  if (Number.isNaN(thereMs)) return warn('clock', `${host} does not send its time.`, 'Compare the clocks by hand.');
  const offMs = Math.max(0, Math.abs(hereMs - thereMs - CLOCK_GRAIN_MS / 2) - CLOCK_GRAIN_MS / 2);
  const says = `This clock and the clock of ${host} differ by ${(offMs / 1000).toFixed(1)} s`;
  if (offMs < NOTABLE_SKEW_MS) return ok('clock', `${says}.`);
  const remedy = 'Set this clock, preferably by NTP (timedatectl set-ntp true).';
  return offMs < MOST_SKEW_MS
    ? warn('clock', `${says}; the service refuses requests from ${MOST_SKEW_MS / 1000} s on.`, remedy)
    : bad('clock', `${says}, so the service refuses requests.`, remedy);
}

/** The version that an OpenAPI document names; null when it is none. */
async function readDocument(response: Response): Promise<string | null> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of response.body ?? []) {
    sizeBytes += (part as Uint8Array).length;
    if (sizeBytes > MAX_DOCUMENT_BYTES) return null;
    parts.push(part as Uint8Array);
  }
  try {
    const { openapi, info } = JSON.parse(Buffer.concat(parts).toString('utf8')) as {
      openapi?: unknown;
      info?: { version?: unknown };
    };
    return typeof openapi === 'string' && typeof info?.version === 'string' ? info.version.slice(0, 40) : null;
  } catch {
    return null;
  }
}

/** Whether the bucket can be listed, where the connection names it. */
export async function lookAtBucket(connection: Connection, signal: AbortSignal): Promise<readonly Finding[]> {
  const bucket = await openBucket(connection);
  if (bucket === null) {
    return [
      warn(
        'bucket',
        'No bucket is configured. Protocol II from the bucket, and restoring without the service, need one.',
        'Add s3 {bucket, region} to connection.json.',
      ),
    ];
  }
  try {
    for await (const _ of bucket.list('', signal)) break;
    return [ok('bucket', `Bucket ${connection.s3?.bucket ?? ''} can be listed.`)];
  } finally {
    bucket.close();
  }
}
