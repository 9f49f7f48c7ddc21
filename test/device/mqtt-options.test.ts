import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ArgumentError, FileError } from '../../core/errors.ts';
import { parseBroker } from '../../device/mqtt/parse-broker.ts';
import { readBrokerSecrets } from '../../device/mqtt/read-secrets.ts';
import { parseSource } from '../../device/sources/parse-source.ts';
import { temporaryFolder } from './fixture.ts';

const PLAIN = parseBroker('mqtt://broker.example/a');

test('an address is host, port and topic filter, wildcards as they are', () => {
  const at = (text: string) => {
    const { host, port, tls, topicFilter } = parseBroker(text);
    return `${tls ? 'tls ' : ''}${host} ${port} ${topicFilter}`;
  };
  assert.equal(at('mqtt://localhost:1884/plant/+/temperature'), 'localhost 1884 plant/+/temperature');
  assert.equal(at('mqtts://broker.example/#'), 'tls broker.example 8883 #');
  assert.equal(at('mqtt://[::1]:1883/a b/%20?x#'.replace('x#', 'x')), '::1 1883 a b/%20?x');
  assert.deepEqual(parseSource('mqtt:mqtt://h/t'), { kind: 'mqtt', broker: parseBroker('mqtt://h/t') });
});

test('what is no address is refused, and a password in it is not repeated', () => {
  const wrong = ['mqtt://h', 'mqtt://h/', 'http://h/t', 'mqtt://h:0/t', 'mqtt://h:65536/t', 'mqtt://h:x/t', 'h/t', ''];
  const filters = ['a/#/b', 'a#', 'a+/b', 'a/b+', `a\0b`, '\ud800', 'x'.repeat(65_536)];
  for (const text of [...wrong, ...filters.map((filter) => `mqtt://h/${filter}`)]) {
    assert.throws(() => parseBroker(text), ArgumentError, text);
  }
  assert.throws(
    () => parseBroker('mqtt://user:hunter2@h/t'),
    (error: Error) =>
      error instanceof ArgumentError && !error.message.includes('hunter2') && /--mqtt-secrets/.test(error.message),
  );
});

test('secrets come from a file that nobody else can read, and are not repeated', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'mqtt.json');
  const write = (value: unknown, mode = 0o600) => {
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value), { mode });
    chmodSync(path, mode);
  };
  const refused = async (pattern: RegExp, kind: typeof FileError | typeof ArgumentError = FileError) =>
    assert.rejects(readBrokerSecrets(path, PLAIN), (error: Error) => {
      assert.ok(error instanceof kind, error.stack);
      assert.match(error.message, pattern);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });

  write({ username: 'u', password: 'hunter2', allowPlaintext: true }, 0o640);
  await refused(/mode 0640/, FileError);
  write({ username: 'u', password: 'hunter2' });
  await refused(/unencrypted to broker\.example/, ArgumentError);
  write({ username: 'u', password: 'hunter2', pasword: 'x' });
  await refused(/pasword/);
  write({ username: 'u', password: ['hunter2'] });
  await refused(/password/);
  write('{"password": "hunter2"');
  await refused(/not JSON/);
  write({ keyFile: 'key.pem' });
  writeFileSync(join(folder, 'key.pem'), 'PEM', { mode: 0o644 });
  await refused(/key\.pem has mode 0644/, FileError);
  write({ caFile: 'nowhere.pem' });
  await refused(/nowhere\.pem cannot be read \(ENOENT\)/);
  write({ caFile: 'key.pem' });
  assert.deepEqual(await readBrokerSecrets(path, PLAIN), { ca: 'PEM' }, 'certificates may be read by all');
  write({ keyFile: 'key.pem' });

  chmodSync(join(folder, 'key.pem'), 0o600);
  assert.deepEqual(await readBrokerSecrets(path, PLAIN), { key: 'PEM' });
  write(`\uFEFF${JSON.stringify({ username: 'u', password: 'hunter2', clientId: 'c' })}`);
  for (const address of ['mqtts://broker.example/a', 'mqtt://127.0.0.1/a', 'mqtt://localhost/a', 'mqtt://[::1]/a']) {
    const secrets = await readBrokerSecrets(path, parseBroker(address));
    assert.deepEqual(secrets, { username: 'u', password: 'hunter2', clientId: 'c' });
  }
});
