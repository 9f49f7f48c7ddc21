import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { findProgram } from '../../../dev/real/programs/find-program.ts';
import { VERSIONS } from '../../../dev/real/programs/versions.ts';
import { startVersitygw } from '../../../dev/real/start-versitygw.ts';
import { makeClient } from './signed-request.ts';
import { objectStoreSuite } from './suite.ts';
import type { RunningObjectStore } from './target.ts';

objectStoreSuite({
  name: `versitygw ${VERSIONS.versitygw}`,
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
    const versitygw = findProgram('versitygw');
    const gateway = await startVersitygw({ versitygw, folder: join(folder, 'store'), ...store });
    const running: RunningObjectStore = {
      ...store,
      endpoint: gateway.endpoint,
      dataDir: gateway.dataDir,
      restart: () => gateway.restart(),
      async stop() {
        await gateway.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
    const client = makeClient(running);
    await client.send(new CreateBucketCommand({ Bucket: store.bucket }));
    client.destroy();
    return running;
  },
});
