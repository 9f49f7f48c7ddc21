import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KeyedSha256 } from '../crypto/keyed-sha256.ts';

export interface DynamoOptions {
  readonly region: string;
  /** Null for AWS's own. */
  readonly endpoint: string | null;
  /** Null for the environment's (Lambda's role). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
}

/** A client whose requests cannot hang; whoever makes it destroys it. */
export function createDynamoClient(options: DynamoOptions): DynamoDBClient {
  const client = new DynamoDBClient({
    region: options.region,
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === null ? {} : { credentials: options.credentials }),
    maxAttempts: 3,
    sha256: KeyedSha256,
    requestHandler: { connectionTimeout: 2000, requestTimeout: 4000, throwOnRequestTimeout: true },
  });
  // It copies every answer for a logger that nobody has set: a fifteenth of a query's processor time.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}
