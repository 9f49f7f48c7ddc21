import type { TestContext } from 'node:test';
import { KMS_CREDENTIALS, startKmsServer } from '../adapters/kms-server.ts';

/** Starts a KMS for one test, and sets the variables by which the SDK finds it. @returns the id of its key */
export async function kmsForTest(t: TestContext): Promise<string> {
  const kms = await startKmsServer();
  t.after(() => kms.close());
  const set = {
    AWS_ENDPOINT_URL_KMS: kms.endpoint,
    AWS_ACCESS_KEY_ID: KMS_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KMS_CREDENTIALS.secretAccessKey,
  };
  const before = Object.keys(set).map((name) => [name, process.env[name]] as const);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  Object.assign(process.env, set);
  return kms.keyId;
}
