import { startS3 } from '../../../local/s3/start-s3.ts';

/** The embedded store as a process of its own, so that it can be killed. */
const env = (name: string) => process.env[name] ?? '';
const s3 = await startS3({
  dataDir: env('S3_DATA_DIR'),
  port: Number(env('S3_PORT')),
  accessKey: env('S3_ACCESS_KEY'),
  secretKey: env('S3_SECRET_KEY'),
  region: env('S3_REGION'),
  buckets: [env('S3_BUCKET')],
  ...(env('S3_EVENTS') === '' ? {} : { onEvent: async (event) => console.log(`event ${JSON.stringify(event)}`) }),
});
console.log(`ready ${s3.endpoint}`);
