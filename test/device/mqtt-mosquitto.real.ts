import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import type { BrokerSecrets } from '../../device/mqtt/read-secrets.ts';
import { readMqtt } from '../../device/sources/read-mqtt.ts';
import { newWriter, restore, restoreFiles, startDevice, temporaryFolder, writerToJson } from './fixture.ts';
import type { MqttChildTask } from './mqtt-child.ts';
import { startRemote } from './remote.ts';
import { type Mosquitto, startMosquitto } from './start-mosquitto.ts';

/* The device against a broker that somebody else wrote, with a publisher that somebody else wrote. */

const CHILD = join(import.meta.dirname, 'mqtt-child.ts');

let folder: string;
let mosquitto: Mosquitto;
let publisher: MqttClient;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-mosquitto-'));
  mosquitto = await startMosquitto(folder);
  publisher = await connectAsync(`mqtt://127.0.0.1:${mosquitto.port}`, { protocolVersion: 5, reconnectPeriod: 100 });
});

after(async () => {
  await publisher?.endAsync(true);
  await mosquitto?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function setUp(context: TestContext) {
  const own = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const messages = () =>
    Object.fromEntries([...restoreFiles(restore(remote, writer))].map(([name, all]) => [name, all.map(String)]));
  return { own, writer, remote, outboxPath: join(own, 'o'), messages };
}

test('the device is killed between commit and acknowledgement, the broker restarts: nothing lost, nothing twice', async (context) => {
  const { own, writer, remote, outboxPath, messages } = await setUp(context);
  const run = async (dieAtCommit: number | null) => {
    const task: MqttChildTask = {
      ...{ writer: writerToJson(writer), remoteUrl: remote.url, outboxPath, port: mosquitto.port, dieAtCommit },
    };
    const child = spawn(process.execPath, [CHILD], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, PLUMB_TEST_CHILD: JSON.stringify(task), NODE_COMPILE_CACHE: join(own, 'compiled') },
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 120_000);
    const ended = await once(child, 'exit');
    clearTimeout(timer);
    return ended as [number | null, NodeJS.Signals | null];
  };
  assert.equal((await run(null))[0], 0, 'the broker knows the subscription from here on');
  const expected: string[] = [];
  const publish = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const reading = `${expected.length} ${'x'.repeat(expected.length % 7 === 0 ? 1500 : 3)}`;
      expected.push(reading);
      await publisher.publishAsync('plant/boiler', reading, { qos: 1 });
    }
  };
  for (let kill = 0; kill < 6; kill++) {
    await publish(20);
    const running = run(1 + (kill % 2));
    const more = setInterval(() => void publish(3), 200);
    const [, signal] = await running;
    clearInterval(more);
    assert.equal(signal, 'SIGKILL');
    if (kill % 3 === 2) await mosquitto.restart();
  }
  await publish(20);
  assert.equal((await run(null))[0], 0);
  assert.deepEqual(messages(), { 'plant/boiler': expected });
});

test('over TLS with a password; a wrong password and a foreign certificate keep it out, and say so', async (context) => {
  const { writer, remote, outboxPath, messages } = await setUp(context);
  const { tlsPort: port, username, password } = mosquitto;
  const ca = readFileSync(mosquitto.ca, 'utf8');
  const start = (secrets: BrokerSecrets, host = 'localhost', untilIdle = false) =>
    startDevice(
      {
        ...{ remote, writer, outboxPath },
        source: readMqtt({
          broker: { host, port, tls: true, topicFilter: 'secure/#' },
          ...{ secrets, clientId: 'tls', blockBytes: 1000, maxMessageBytes: 2 ** 20 },
          backoff: { firstMs: 20, mostMs: 50 },
        }),
      },
      { untilIdle },
    );
  const otherCa = readFileSync(join(folder, 'other-ca.pem'), 'utf8');
  for (const [secrets, reason] of [
    [{ ca, username, password: 'a wrong one' }, /not authorised|password is wrong/],
    [{ ca }, /not authorised|password is wrong/],
    [{ ca: otherCa, username, password }, /cannot be reached: .*(CERT|UNABLE|SELF_SIGNED)/],
    [{ username, password }, /cannot be reached: .*(CERT|UNABLE|SELF_SIGNED)/],
  ] as const) {
    const device = start(secrets);
    const retry = await device.event('retry', ({ step }) => step === 'source');
    assert.match(retry.reason, reason);
    assert.doesNotMatch(JSON.stringify(device.events), /a password of the test|a wrong one/);
    await device.stop();
  }
  for (const host of ['localhost', '127.0.0.1']) assert.ok(await start({ ca, username, password }, host, true).ended);
  await publisher.publishAsync('secure/door', 'closed', { qos: 1, properties: { contentType: 'text/plain' } });
  await publisher.publishAsync('secure/door', 'closed', { qos: 1 });
  assert.ok(await start({ ca, username, password }, 'localhost', true).ended);
  assert.deepEqual(messages(), { 'secure/door': ['closed', 'closed'] });
});

test('ten thousand messages, many of them alike, in the order they were published', async (context) => {
  const { writer, remote, outboxPath, messages } = await setUp(context);
  const source = () =>
    readMqtt({
      broker: { host: '127.0.0.1', port: mosquitto.port, tls: false, topicFilter: 'many/+' },
      ...{ secrets: {}, clientId: 'many', blockBytes: 1000, maxMessageBytes: 2 ** 20 },
      backoff: { firstMs: 20, mostMs: 50 },
    });
  const batch = { maxBlocks: 1024, maxBytes: 2 ** 20, maxAgeMs: 50 };
  const device = startDevice({ remote, writer, outboxPath, source: source() }, { batch });
  // Anything before the subscription is not this device's.
  let captured = 0;
  await publisher.publishAsync('many/one', 'begin', { qos: 1 });
  while (!device.events.some(({ event }) => event === 'captured')) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await publisher.publishAsync('many/one', 'begin', { qos: 1 });
  }
  const readings = Array.from({ length: 10_000 }, (_, i) => `${Math.floor(i / 10)}`);
  const beganMs = performance.now();
  await Promise.all(readings.map((reading) => publisher.publishAsync('many/two', reading, { qos: 1 })));
  await device.event('captured', ({ blocks }) => {
    captured += blocks;
    return captured >= 10_000;
  });
  context.diagnostic(`10,000 messages captured in ${Math.round(performance.now() - beganMs)} ms`);
  await device.stop();
  assert.ok(await startDevice({ remote, writer, outboxPath, source: source() }, { batch, untilIdle: true }).ended);
  assert.deepEqual(messages()['many/two'], readings);
});
