import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { killChild, startChild } from './child-process.ts';
import type { RunningObjectStore } from './target.ts';

const SERVER = fileURLToPath(import.meta.resolve('./serve-embedded.ts'));

/** Starts the embedded store as a child process; with `onEventLine` it tells its events, one JSON line each. */
export async function startEmbedded(onEventLine?: (json: string) => void): Promise<RunningObjectStore> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-s3-'));
  const store = { region: 'us-east-1', accessKey: 'conformance', secretKey: 'conformance-secret', bucket: 'segments' };
  const dataDir = join(folder, 'store', 'data');
  const spawnServer = (port: string) =>
    startChild(
      process.execPath,
      [SERVER],
      {
        S3_DATA_DIR: dataDir,
        S3_PORT: port,
        S3_ACCESS_KEY: store.accessKey,
        S3_SECRET_KEY: store.secretKey,
        S3_REGION: store.region,
        S3_BUCKET: store.bucket,
        S3_EVENTS: onEventLine === undefined ? '' : 'yes',
      },
      { line: /^ready (http:\/\/127\.0\.0\.1:(\d+))$/ },
      (line) => {
        if (line.startsWith('event ')) onEventLine?.(line.slice('event '.length));
      },
    );
  let { child, match } = await spawnServer('0');
  const [, endpoint, port] = match as [string, string, string];
  return {
    ...store,
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
}
