import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** The secret that the environments of these tests name, and what it holds. */
export const RPC_SECRET = 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:nodes-AbCdEf';
export const RPC_URL = 'https://rpc.example/key';

export interface AskedSecret {
  readonly SecretId: string;
  readonly VersionId?: string;
}

export interface HeldSecrets {
  /** The variables by which a function finds them. */
  readonly env: Readonly<Record<string, string>>;
  readonly asked: readonly AskedSecret[];
  close(): Promise<void>;
}

/** A Secrets Manager for one test. */
export async function secretsForTest(t: TestContext, secrets: Readonly<Record<string, string>> = {}) {
  const held = await startSecrets(secrets);
  t.after(() => held.close());
  return held;
}

/** Starts a Secrets Manager that answers by these secrets, with the nodes of the chain among them. */
export async function startSecrets(secrets: Readonly<Record<string, string>> = {}): Promise<HeldSecrets> {
  const held: Readonly<Record<string, string>> = { [RPC_SECRET]: RPC_URL, ...secrets };
  const asked: AskedSecret[] = [];
  const server = createServer(async (request, response) => {
    const question = JSON.parse(Buffer.concat(await request.toArray()).toString()) as AskedSecret;
    asked.push(question);
    const SecretString = held[question.SecretId];
    if (SecretString === undefined) response.writeHead(400).end('{"__type":"AccessDeniedException"}');
    else response.end(JSON.stringify({ SecretString }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const env = {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', AWS_SESSION_TOKEN: 'token' },
  };
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { env, asked, close };
}
