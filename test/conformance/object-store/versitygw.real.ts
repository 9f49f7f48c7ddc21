import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { killChild, startChild } from './child-process.ts';
import { makeClient } from './signed-request.ts';
import { objectStoreSuite } from './suite.ts';
import type { RunningObjectStore } from './target.ts';

const VERSION = '1.8.0';
const BUILD_TIMEOUT_MS = 15 * 60_000;

const gateway = await buildGateway();

objectStoreSuite({
  name: `versitygw ${VERSION}`,
  behaviour: {
    refusesUnsignedPayload: false,
    refusesForeignHost: false,
    refusesForeignOrigin: false,
    refusesHoistedChecksum: false,
    refusesFuturePresigned: false,
    explainsNul: false,
    keepsEmptySegments: false,
  },
  async start(): Promise<RunningObjectStore> {
    const folder = await mkdtemp(join(tmpdir(), 'plumbline-versitygw-'));
    const store = {
      region: 'us-east-1',
      accessKey: 'conformance',
      secretKey: 'conformance-secret',
      bucket: 'segments',
    };
    const dataDir = join(folder, 'store', 'data');
    await mkdir(dataDir, { recursive: true });
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const spawnGateway = async () => {
      const { child } = await startChild(
        gateway,
        ['--port', `127.0.0.1:${port}`, '--region', store.region, '--quiet', '--health', '/health', 'posix', dataDir],
        { ROOT_ACCESS_KEY: store.accessKey, ROOT_SECRET_KEY: store.secretKey },
        { url: `${endpoint}/health` },
      );
      return child;
    };
    let child = await spawnGateway();
    const running: RunningObjectStore = {
      ...store,
      endpoint,
      dataDir,
      async restart() {
        await killChild(child);
        child = await spawnGateway();
      },
      async stop() {
        await killChild(child);
        await rm(folder, { recursive: true, force: true });
      },
    };
    const client = makeClient(running);
    await client.send(new CreateBucketCommand({ Bucket: store.bucket }));
    client.destroy();
    return running;
  },
});

/** Builds the gateway once, with Go, into `$PLUMBLINE_CACHE` or `~/.cache/plumbline`. */
async function buildGateway(): Promise<string> {
  const cache = process.env.PLUMBLINE_CACHE ?? join(homedir(), '.cache', 'plumbline');
  const binary = join(cache, `versitygw-${VERSION}`, 'versitygw');
  try {
    await access(binary);
    return binary;
  } catch {
    // Not built yet.
  }
  await mkdir(join(binary, '..'), { recursive: true });
  const building = await mkdtemp(join(cache, 'building-'));
  try {
    await promisify(execFile)('go', ['install', `github.com/versity/versitygw/cmd/versitygw@v${VERSION}`], {
      env: { ...process.env, GOBIN: building },
      timeout: BUILD_TIMEOUT_MS,
    });
    await rename(join(building, 'versitygw'), binary);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return binary;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
