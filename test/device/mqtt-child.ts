import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeTransfer } from '../../adapters/http/node-transfer.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createDeviceClock } from '../../device/clock.ts';
import { openOutbox } from '../../device/outbox/open-outbox.ts';
import { runDevice } from '../../device/run-device.ts';
import { readMqtt } from '../../device/sources/read-mqtt.ts';
import { accountOf, FAST, ownerOf, writerFromJson } from './fixture.ts';
import { remotePorts } from './remote.ts';

/** What the child is told, as JSON in PLUMB_TEST_CHILD. */
export interface MqttChildTask {
  readonly writer: string;
  readonly remoteUrl: string;
  readonly outboxPath: string;
  readonly port: number;
  /** Ends by SIGKILL, there and then, when this many commits are on the disk: before their acknowledgement. */
  readonly dieAtCommit: number | null;
}

// A device in a process of its own, which is killed between a commit and the acknowledgement of what it holds.
const task = JSON.parse(process.env.PLUMB_TEST_CHILD as string) as MqttChildTask;
const writer = writerFromJson(task.writer);
const account = accountOf(writer);
const { service, ledger } = remotePorts(task.remoteUrl, writer.domain, account);
const outbox = openOutbox(task.outboxPath, ownerOf(writer));
const source = readMqtt({
  broker: { host: '127.0.0.1', port: task.port, tls: false, topicFilter: 'plant/#' },
  ...{ secrets: {}, clientId: 'child', blockBytes: 700, maxMessageBytes: 2 ** 20 },
  backoff: { firstMs: 5, mostMs: 20 },
});
let commits = 0;
const complete = await runDevice(
  {
    ...{
      primitives: nodePrimitives,
      runtime: nodeRuntime,
      transfer: nodeTransfer,
      outbox,
      writer,
      account,
      charter: writer.charter,
      source,
      service,
      ledger,
    },
    clock: createDeviceClock(nodeRuntime),
    report(event) {
      // Told in the commit's own turn: no acknowledgement has left.
      if (event.event === 'captured' && ++commits === task.dieAtCommit) process.kill(process.pid, 'SIGKILL');
      process.stdout.write(`${JSON.stringify(event)}\n`);
    },
  },
  { ...FAST, backoff: { firstMs: 5, mostMs: 20 }, untilIdle: task.dieAtCommit === null },
  new AbortController().signal,
);
outbox.close();
process.exit(complete ? 0 : 3);
