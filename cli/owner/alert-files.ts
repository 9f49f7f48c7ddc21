import { join } from 'node:path';
import * as z from 'zod';
import type { Webhook } from '../../adapters/http/post-webhook.ts';
import { isMissingFile, readSecretFile, replaceSecretFile } from '../../adapters/keys/secret-file.ts';
import { type NotedAlert, notedAlerts } from '../../client/sale/watch/alert-queue.ts';
import { inFile } from '../../core/parse-outside.ts';

/** What `fetch` sets by itself, or refuses. */
const NOT_A_HEADER = /^(connection|content-length|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/i;

const webhookFile = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .refine((url) => !isWithPassword(url), 'must not hold a user or password: give them as a header, authorization'),
  headers: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z0-9-]{1,64}$/)
        .refine((name) => !NOT_A_HEADER.test(name), 'must not name a header of the connection'),
      z
        .string()
        .max(1_024)
        .regex(/^[\x20-\x7e]*$/),
    )
    .default({}),
});

function isWithPassword(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

/**
 * Where alerts go: a file, as an address of a webhook is a secret, and its headers are.
 * @throws FileError when it is missing, others could read it, or it is malformed; a value is never repeated
 */
export async function readWebhookFile(path: string): Promise<Webhook> {
  const text = await readSecretFile(path);
  return inFile(
    path,
    () => webhookFile.parse(JSON.parse(text)),
    'It must look like {"url": "https://…", "headers": {"authorization": "…"}}.',
  );
}

/** What is kept of alerts beside the state of sales; empty before the first. */
export async function readNotedAlerts(folder: string): Promise<readonly NotedAlert[]> {
  const path = join(folder, 'alerts.json');
  let text: string;
  try {
    text = await readSecretFile(path);
  } catch (error) {
    if (isMissingFile(error)) return [];
    throw error;
  }
  return inFile(
    path,
    () => notedAlerts.parse(JSON.parse(text)).alerts,
    'Move it away; the server then sends each current alert once more.',
  );
}

export async function saveNotedAlerts(folder: string, alerts: readonly NotedAlert[]): Promise<void> {
  await replaceSecretFile(join(folder, 'alerts.json'), `${JSON.stringify({ v: 1, alerts })}\n`);
}
