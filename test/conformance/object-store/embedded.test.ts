import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killChild, startChild } from './child-process.ts';
import { objectStoreSuite } from './suite.ts';
import type { RunningObjectStore } from './target.ts';

const SERVER = join(import.meta.dirname, 'serve-embedded.ts');

objectStoreSuite({
  name: 'embedded',
  behaviour: {
    refusesUnsignedPayload: true,
    refusesForeignHost: true,
    refusesForeignOrigin: true,
    refusesHoistedChecksum: true,
    refusesFuturePresigned: true,
    explainsNul: true,
    keepsEmptySegments: true,
  },
  async start(): Promise<RunningObjectStore> {
    const folder = await mkdtemp(join(tmpdir(), 'plumbline-s3-'));
    const access = {
      region: 'us-east-1',
      accessKey: 'conformance',
      secretKey: 'conformance-secret',
      bucket: 'segments',
    };
    const dataDir = join(folder, 'store', 'data');
    const spawnServer = (port: string) =>
      startChild(
        process.execPath,
        [SERVER],
        {
          S3_DATA_DIR: dataDir,
          S3_PORT: port,
          S3_ACCESS_KEY: access.accessKey,
          S3_SECRET_KEY: access.secretKey,
          S3_REGION: access.region,
          S3_BUCKET: access.bucket,
        },
        { line: /^ready (http:\/\/127\.0\.0\.1:(\d+))$/ },
      );
    let { child, match } = await spawnServer('0');
    const [, endpoint, port] = match as [string, string, string];
    return {
      ...access,
      endpoint,
      dataDir,
      async restart() {
        await killChild(child);
        ({ child } = await spawnServer(port));
      },
      async stop() {
        await killChild(child);
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
});
