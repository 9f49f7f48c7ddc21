import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { runPlumb, spawnPlumb } from '../cli/run-plumb.ts';
import { newWriter, provisionOf, temporaryFolder } from './fixture.ts';
import { TestBroker } from './mqtt-broker.ts';

/* The command line's part of it; nothing that it is provisioned for answers, and it captures all the same. */

function provision(context: TestContext) {
  const folder = temporaryFolder(context);
  const file = join(folder, 'device.json');
  const writer = newWriter({ plain: true });
  // Port 9 of loopback: nobody is there.
  const [rpcUrl, apiUrl] = ['http://127.0.0.1:9', 'http://127.0.0.1:9'];
  writeFileSync(file, provisionOf(writer, { rpcUrl, apiUrl }), { mode: 0o600 });
  return { folder, file, writer };
}

test('the command captures messages with the secrets of a file, which are nowhere to be seen', async (context) => {
  const { folder, file, writer } = provision(context);
  const broker = new TestBroker();
  const port = await broker.listen();
  context.after(() => broker.close());
  const secrets = join(folder, 'mqtt.json');
  writeFileSync(secrets, '{"username": "weather", "password": "hunter2"}', { mode: 0o600 });
  const source = ['--source', `mqtt:mqtt://127.0.0.1:${port}/plant/#`, '--mqtt-secrets', secrets];
  const child = spawnPlumb(['device', 'run', '--provision', file, ...source, '--max-message', '64KiB', '--json']);
  context.after(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  const captured = Promise.withResolvers<void>();
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    said += line;
    if (JSON.parse(line).event === 'captured') captured.resolve();
  });
  const timer = setTimeout(() => captured.reject(new Error(`nothing was captured: ${said}`)), 60_000);
  broker.publish('plant/boiler', '80 degrees');
  await captured.promise.finally(() => clearTimeout(timer));
  await broker.drained();
  const [connect] = broker.connects;
  assert.deepEqual([connect?.username, String(connect?.password)], ['weather', 'hunter2']);
  assert.equal(connect?.clientId, `plumbline-${writer.dataset.slice(2, 18)}`);
  assert.equal(connect?.properties?.maximumPacketSize, 64 * 1024 + 128 * 1024);
  child.kill('SIGINT');
  assert.deepEqual((await exited)[0], 0);
  assert.equal(broker.disconnects, 1, 'it takes leave');
  assert.doesNotMatch(said, /hunter2/);
});

test('options that do not go together end with code 2 and a remedy', async (context) => {
  const { file } = provision(context);
  const cases: [string[], RegExp][] = [
    [['--source', 'stdin', '--mqtt-secrets', 'x'], /works only with --source mqtt/],
    [['--source', 'mqtt:mqtt://u:hunter2@h/t'], /Give --mqtt-secrets FILE/],
    [['--source', 'mqtt:mqtt://h/t', '--mqtt-secrets', '/nowhere/mqtt.json'], /cannot be used \(ENOENT\)/],
  ];
  for (const [args, pattern] of cases) {
    const ended = await runPlumb(['device', 'run', '--provision', file, ...args]);
    assert.equal(ended.exitCode, 2, ended.stderr);
    assert.match(ended.stderr, pattern);
    assert.doesNotMatch(ended.stderr, /hunter2/);
  }
});
