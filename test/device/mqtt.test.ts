import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { generate } from 'mqtt-packet';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { holdSession } from '../../device/mqtt/hold-session.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { type MqttOptions, readMqtt } from '../../device/sources/read-mqtt.ts';
import { newWriter, restore, restoreFiles, startDevice, temporaryFolder, writerToJson } from './fixture.ts';
import { type BrokerOptions, TestBroker } from './mqtt-broker.ts';
import type { MqttChildTask } from './mqtt-child.ts';
import { startRemote } from './remote.ts';

const CHILD = join(import.meta.dirname, 'mqtt-child.ts');

async function setUp(context: TestContext, brokerOptions: BrokerOptions = {}) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  const broker = new TestBroker(brokerOptions);
  const port = await broker.listen();
  context.after(() => broker.close());
  const outboxPath = join(folder, 'o');
  const mqtt = (options: Partial<MqttOptions> = {}) =>
    readMqtt({
      broker: { host: '127.0.0.1', port, tls: false, topicFilter: 'plant/#' },
      ...{ secrets: {}, clientId: 'device', blockBytes: 1000, maxMessageBytes: 2 ** 20 },
      backoff: { firstMs: 5, mostMs: 20 },
      ...options,
    });
  const start = (options: Partial<MqttOptions> = {}, untilIdle = false) =>
    startDevice({ remote, writer, outboxPath, source: mqtt(options) }, { untilIdle });
  const blocksKept = () => {
    const outbox = openOutboxReadOnly(outboxPath);
    const { captured } = readStatus(outbox, Date.now());
    outbox.close();
    return captured.blocks;
  };
  /** Everything that the owner gets back, by topic. */
  const messages = () =>
    Object.fromEntries([...restoreFiles(restore(remote, writer))].map(([name, all]) => [name, all.map(String)]));
  return { folder, writer, remote, broker, port, outboxPath, start, blocksKept, messages };
}

function readings(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i} degrees`);
}

test('messages are kept by topic and in order, and acknowledged only when they are on the disk', async (context) => {
  const { broker, start, blocksKept, messages } = await setUp(context);
  let acked = 0;
  const early: string[] = [];
  broker.onAck = () => {
    acked++;
    const kept = blocksKept();
    if (kept < acked) early.push(`acknowledgement ${acked} with ${kept} kept`);
  };
  const device = start();
  for (const reading of readings(60)) broker.publish('plant/boiler/temperature', reading);
  broker.publish('plant/tank', 'full', { contentType: 'text/plain' });
  await broker.until(() => acked === 61);
  assert.deepEqual(early, []);
  await device.stop();
  await start({}, true).ended;
  assert.deepEqual(messages(), { 'plant/boiler/temperature': readings(60), 'plant/tank': ['full'] });
  const [connect] = broker.connects;
  assert.deepEqual([connect?.clean, connect?.clientId], [false, 'device']);
  assert.ok((connect?.properties?.sessionExpiryInterval ?? 0) > 86_400);
});

for (const ids of ['counting', 'lowest'] as const) {
  test(`acknowledgements lost on their way, ids ${ids}: nothing lost, nothing twice`, async (context) => {
    // Every fifth acknowledgement takes its connection with it.
    const { broker, start, messages } = await setUp(context, {
      ids,
      ackFate: (_, nth) => (nth % 5 === 0 ? 'lost' : 'arrives'),
    });
    const device = start();
    for (const reading of readings(80)) broker.publish('plant/a', reading);
    await broker.drained();
    assert.ok(broker.redelivered > 10, `${broker.redelivered} came again`);
    await device.stop();
    await start({}, true).ended;
    assert.deepEqual(messages(), { 'plant/a': readings(80) });
  });
}

for (const restarted of [false, true]) {
  const how = restarted ? 'with a restart between' : 'on one run';
  test(`messages lost on their way, all of them alike, ${how}: each is kept`, async (context) => {
    // The fourth is given the first one's id, and comes with the DUP flag only.
    const { broker, start, messages } = await setUp(context, {
      ids: 'lowest',
      messageFate: (nth) => (nth === 4 ? 'lost' : 'arrives'),
    });
    const first = start();
    for (let i = 1; i <= 3; i++) {
      broker.publish('plant/state', 'OK');
      await broker.until(() => broker.acks.length === i);
    }
    const { pings } = broker;
    await broker.until(() => broker.pings > pings);
    if (restarted) await first.stop();
    const device = restarted ? start() : first;
    broker.publish('plant/state', 'OK');
    await broker.until(() => broker.acks.length === 4);
    assert.deepEqual([broker.redelivered, broker.acks], [1, [1, 1, 1, 1]]);
    await device.stop();
    await start({}, true).ended;
    assert.deepEqual(messages(), { 'plant/state': ['OK', 'OK', 'OK', 'OK'] });
  });
}

test('a session that the broker has lost: its packet ids mean nothing of before', async (context) => {
  let lose = false;
  const { broker, start, messages } = await setUp(context, {
    ids: 'lowest',
    ackFate: (_, nth) => (nth === 1 ? 'lost' : 'arrives'),
    messageFate: () => {
      const fate = lose ? 'lost' : 'arrives';
      lose = false;
      return fate;
    },
  });
  const device = start();
  broker.publish('plant/state', 'OK');
  await broker.until(() => !broker.connected && broker.connects.length === 1);
  broker.loseSession();
  await broker.until(() => broker.connects.length === 2);
  lose = true;
  broker.publish('plant/state', 'OK');
  await broker.drained();
  assert.ok(broker.redelivered >= 1);
  await device.stop();
  await start({}, true).ended;
  assert.deepEqual(messages(), { 'plant/state': ['OK', 'OK'] });
});

test('SIGKILL between commit and acknowledgement, eight times: nothing lost, nothing twice', async (context) => {
  const { folder, writer, remote, broker, port, outboxPath, messages } = await setUp(context);
  const run = async (dieAtCommit: number | null) => {
    const task: MqttChildTask = { writer: writerToJson(writer), remoteUrl: remote.url, outboxPath, port, dieAtCommit };
    const child = spawn(process.execPath, [CHILD], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, PLUMB_TEST_CHILD: JSON.stringify(task), NODE_COMPILE_CACHE: join(folder, 'compiled') },
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    const ended = await once(child, 'exit');
    clearTimeout(timer);
    return ended as [number | null, NodeJS.Signals | null];
  };
  const expected: string[] = [];
  for (let kill = 0; kill < 8; kill++) {
    // Some of them larger than a block: all parts or none are in a commit.
    const running = run(1 + (kill % 3));
    for (let i = 0; i < 6; i++) {
      const reading = `${kill}.${i} ${'x'.repeat(i === 3 ? 1600 : 5)}`;
      expected.push(reading);
      broker.publish('plant/a', reading);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    // Lives that had nothing more to commit are ended by the next message.
    const more = setInterval(() => {
      const reading = `${kill} more ${expected.length}`;
      expected.push(reading);
      broker.publish('plant/a', reading);
    }, 300);
    const [, signal] = await running;
    clearInterval(more);
    assert.equal(signal, 'SIGKILL');
  }
  assert.ok(broker.redelivered >= 8, `${broker.redelivered} came again`);
  const [code] = await run(null);
  assert.equal(code, 0);
  assert.deepEqual(messages(), { 'plant/a': expected });
});

test('a message larger than a block is cut into parts; a broker that sends more than it was told is left', async (context) => {
  const { broker, start, messages } = await setUp(context);
  const device = start({ maxMessageBytes: 100_000 });
  const large = Buffer.alloc(99_999, 'abc').toString();
  broker.publish('plant/image', large);
  await broker.drained();
  assert.equal(broker.connects[0]?.properties?.maximumPacketSize, 100_000 + 128 * 1024);
  broker.send(
    generate(
      { cmd: 'publish', qos: 0, dup: false, retain: false, topic: 'plant/x', payload: Buffer.alloc(300_000) },
      { protocolVersion: 5 },
    ),
  );
  const retry = await device.event('retry', ({ step }) => step === 'source');
  assert.match(retry.reason, /more than 231072 bytes|packet/);
  await broker.until(() => broker.connects.length === 2);
  await device.stop();
  await start({}, true).ended;
  assert.deepEqual(messages()['plant/image'], [large]);
});

/** Messages of a broker that heeds no maximum, of 1,000 bytes each. */
function flood(count: number): Buffer {
  const payload = 'x'.repeat(1000);
  const ahead = Array.from({ length: count }, (_, i) => ({ topic: 'plant/flood', payload, messageId: 1000 + i }));
  return Buffer.concat(
    ahead.map((one) => generate({ cmd: 'publish', qos: 1, dup: false, retain: false, ...one }, { protocolVersion: 5 })),
  );
}

test('a broker runs no further ahead than it may; one that does loses nothing, and the connection stays', async (context) => {
  const { broker, start, messages } = await setUp(context);
  for (const reading of readings(600)) broker.publish('plant/a', reading);
  const device = start();
  await broker.drained();
  assert.ok(broker.mostInFlight <= 256, `${broker.mostInFlight} in flight`);
  broker.send(flood(2000));
  await broker.until(() => broker.acks.length === 2600);
  assert.equal(broker.connects.length, 1);
  await device.stop();
  await start({}, true).ended;
  assert.deepEqual(messages()['plant/a'], readings(600));
  assert.equal(messages()['plant/flood']?.length, 2000);
});

test('of a broker that runs ahead no more is read than can be kept', async (context) => {
  const { broker, port } = await setUp(context);
  const stop = new AbortController();
  const waiting: (() => void)[] = [];
  let most = 0;
  const keepOne = (): void => {
    waiting.shift()?.();
    if (!stop.signal.aborted) setImmediate(keepOne);
  };
  keepOne();
  const held = holdSession(
    nodeRuntime,
    {
      broker: { host: '127.0.0.1', port, tls: false, topicFilter: 'plant/#' },
      ...{ secrets: {}, clientId: 'slow', maxPacketBytes: 2 ** 20, receiveMaximum: 256 },
    },
    {
      onConnected() {},
      onSubscribed: () => broker.send(flood(4000)),
      onSettled() {},
      onMessage: () =>
        new Promise((resolve) => {
          waiting.push(resolve);
          most = Math.max(most, waiting.length);
        }),
      room: () => Promise.resolve(),
    },
    false,
    stop.signal,
  );
  await broker.until(() => broker.acks.length === 4000);
  stop.abort();
  await held;
  // Beside the maximum, what one read of the socket brings.
  assert.ok(most > 256 && most < 600, `${most} were read ahead`);
});

test('topics are recorded as they are, each message with its order and the time that it says', async (context) => {
  const { writer, remote, broker, start } = await setUp(context);
  const device = start();
  const topics = [
    'a',
    'a/b',
    'a//b',
    'same',
    'same',
    'same',
    'same~2',
    'back\\slash',
    'new\nline',
    'esc\u001b[2J',
    '../up',
    '/',
  ];
  for (const [i, topic] of topics.entries()) {
    const time = ['2026-11-29T12:00:00.250+01:00', '1795950000000', 'yesterday', '2026-11-29T12:00:00'][i];
    broker.publish(`plant/${topic}`, String(i), time === undefined ? undefined : { userProperties: { time } });
  }
  await broker.drained();
  await device.stop();
  await start({}, true).ended;
  const seen = restore(remote, writer).map(({ meta, content }) => [meta.name, Buffer.from(content).toString()]);
  assert.deepEqual(
    seen,
    topics.map((topic, i) => [`plant/${topic}`, String(i)]),
  );
  assert.deepEqual(
    restore(remote, writer).map(({ meta }) => meta.time),
    topics.map((_, i) => [Date.UTC(2026, 10, 29, 11, 0, 0, 250), 1_795_950_000_000][i]),
  );
});

test('an empty message is acknowledged and named, a long topic is shortened', async (context) => {
  const { broker, start, messages } = await setUp(context);
  const device = start();
  broker.publish('plant/cleared', '');
  broker.publish(`plant/${'ü'.repeat(400)}`, 'long');
  await broker.drained();
  await device.event('skipped', ({ what }) => what === 'plant/cleared');
  await device.stop();
  await start({}, true).ended;
  const [name] = Object.keys(messages());
  assert.match(name as string, /^plant\/ü+~[0-9a-f]{16}$/);
  assert.ok(Buffer.byteLength(name as string) <= 256);
});

test('a broker that refuses, hangs up or grants too little is tried again, and the reason is told', async (context) => {
  const { broker, start, messages } = await setUp(context, {
    answerConnect: (_, nth) => {
      if (nth === 1) return { cmd: 'connack', reasonCode: 134, sessionPresent: false };
      if (nth === 2) return null;
      if (nth === 3)
        return { cmd: 'connack', reasonCode: 0, sessionPresent: false, properties: { sessionExpiryInterval: 0 } };
      if (nth === 4) return { cmd: 'pingresp' };
      return undefined as never;
    },
  });
  const device = start();
  for (const reason of [
    /user name or password is wrong/,
    /closed the connection/,
    /keeps no session/,
    /first packet is/,
  ]) {
    await device.event('retry', (event) => event.step === 'source' && reason.test(event.reason));
  }
  broker.publish('plant/a', 'after all');
  await broker.drained();
  await device.stop();
  await start({}, true).ended;
  assert.deepEqual(messages(), { 'plant/a': ['after all'] });
});

test('a subscription that is not granted with QoS 1 is no subscription', async (context) => {
  for (const [grant, reason] of [
    [0, /only QoS 0/],
    [135, /not authorised/],
  ] as const) {
    const { start } = await setUp(context, { grant });
    const device = start();
    await device.event('retry', (event) => event.step === 'source' && reason.test(event.reason));
    await device.stop();
  }
});

test('when stopped, it acknowledges what it has read and takes leave, within a second or so', async (context) => {
  const { broker, start } = await setUp(context);
  const device = start();
  for (const reading of readings(20)) broker.publish('plant/a', reading);
  await device.event('captured');
  const begin = performance.now();
  await device.stop();
  assert.ok(performance.now() - begin < 3000);
  await broker.until(() => broker.disconnects === 1);
});
