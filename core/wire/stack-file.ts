import * as z from 'zod';

const address = z.string().regex(/^0x[0-9a-f]{40}$/);

/** `stack.json` (specification#files): what a running local stack tells other programs. Mode 0600, as it holds S3 keys. */
export const stackFile = z.looseObject({
  rpcUrl: z.url(),
  /** Where the local chain takes what no node of a public chain does: for whoever keeps the stack. */
  chainKeeperRpcUrl: z.url().optional(),
  chainId: z.int().min(1),
  contracts: z.looseObject({ DISSC: address, ASC: address.nullable(), OCASC: address.nullable() }),
  apiUrl: z.url(),
  s3Endpoint: z.url(),
  s3AccessKey: z.string().min(1),
  s3SecretKey: z.string().min(1),
  bucket: z.string().min(1),
  ipfsApiUrl: z.url().nullable(),
  /** The service's table, for its operator; as DynamoDB is asked. */
  tableEndpoint: z.url(),
  tableName: z.string().min(1),
  tableAccessKey: z.string().min(1),
  tableSecretKey: z.string().min(1),
  lambdaEndpoint: z.url(),
  operator: address,
});
export type StackFile = z.infer<typeof stackFile>;
