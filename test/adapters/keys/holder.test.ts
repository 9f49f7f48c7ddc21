import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { askHolder } from '../../../adapters/keys/holder/ask-holder.ts';
import { holdKey } from '../../../adapters/keys/holder/held-key.ts';
import {
  ANSWER_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_QUESTION_BYTES,
} from '../../../adapters/keys/holder/holder-protocol.ts';
import { LOOK_MS, serveHolder } from '../../../adapters/keys/holder/serve-holder.ts';
import { requireShort, type SocketPlace, socketPlaces } from '../../../adapters/keys/holder/socket-place.ts';
import { AnswerError, FileError } from '../../../core/errors.ts';
import { VirtualRuntime } from '../../device/virtual-runtime.ts';

const FOR_MS = 900_000;
const NOW_MS = 1_800_000_000_000;
const ACCOUNT = `0x${'1'.repeat(40)}`;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const status = { ask: 'status' } as const;
const lock = { ask: 'lock' } as const;
const keyOf = (content: string) => ({ ask: 'key', keystoreSha256: sha256(content) }) as const;
const refusedAs = (says: RegExp) => (error: unknown) => error instanceof FileError && says.test(error.message);
const answersNot = (says: RegExp) => (error: unknown) => error instanceof AnswerError && says.test(error.message);

/** A home with a keystore, and a holder on its socket. */
async function holding(context: TestContext) {
  const place = placed(context);
  const keystore = join(place.folder, '..', 'keystore.json');
  writeFileSync(keystore, 'sealed', { mode: 0o600 });
  const runtime = new VirtualRuntime(NOW_MS);
  const key = new Uint8Array(64).map((_, i) => i);
  const hold = (bytes: Uint8Array, pid = 4_711) =>
    serveHolder(
      place,
      holdKey(bytes, FOR_MS, runtime),
      { account: ACCOUNT, keystore, keystoreSha256: sha256('sealed') },
      { runtime, pid },
    );
  const holder = await hold(key);
  context.after(() => holder.end('signal'));
  return { place, keystore, runtime, key, hold, holder };
}

function placed(context: TestContext): SocketPlace {
  const home = mkdtempSync(join(tmpdir(), 'plumbline-hold-'));
  context.after(() => rmSync(home, { recursive: true, force: true }));
  return { folder: join(home, 'unlocked'), socket: join(home, 'unlocked', '0123456789ab.sock') };
}

const wiped = new Uint8Array(64);

describe('a key holder', () => {
  test('gives the key to who names the keystore, tells how it stands, and leaves nothing but a private socket', async (t) => {
    const { place, key, keystore, runtime } = await holding(t);
    await runtime.pass(60_000);
    const held = {
      state: 'held',
      account: ACCOUNT,
      keystore,
      pid: 4_711,
      untilMs: NOW_MS + FOR_MS,
      remainingMs: FOR_MS - 60_000,
    };
    assert.deepEqual(await askHolder(place, status), { answer: held, key: null });
    const given = await askHolder(place, keyOf('sealed'));
    assert.deepEqual([given?.answer, new Uint8Array(given?.key ?? [])], [held, key]);
    assert.deepEqual(readdirSync(place.folder), ['0123456789ab.sock']);
    assert.deepEqual([lstatSync(place.folder).mode & 0o777, lstatSync(place.socket).mode & 0o777], [0o700, 0o600]);
  });

  test('forgets when it is asked to, before it says so', async (t) => {
    const { place, key, holder } = await holding(t);
    assert.deepEqual((await askHolder(place, lock))?.answer, { state: 'locked', because: 'asked' });
    assert.deepEqual([key, existsSync(place.socket), await holder.ended], [wiped, false, 'asked']);
    assert.equal(await askHolder(place, keyOf('sealed')), null);
  });

  test('forgets when the time is over, and no sooner, though nobody asks', async (t) => {
    const { place, key, holder, runtime } = await holding(t);
    await runtime.pass(FOR_MS - 1);
    assert.notDeepEqual(key, wiped);
    await runtime.pass(1);
    assert.deepEqual([key, existsSync(place.socket), await holder.ended], [wiped, false, 'time is over']);
  });

  test('does not give the key of another keystore', async (t) => {
    const { place, key } = await holding(t);
    const said = await askHolder(place, keyOf('another'));
    assert.deepEqual([said?.answer.state, said?.key], ['refused', null]);
    assert.notDeepEqual(key, wiped);
  });

  test('forgets when the keystore is swapped under it: at the next question, with no time between', async (t) => {
    const { place, keystore, key, holder } = await holding(t);
    const other = `${keystore}.new`;
    writeFileSync(other, 'sealed by somebody else', { mode: 0o600 });
    renameSync(other, keystore);
    const said = await askHolder(place, keyOf('sealed by somebody else'));
    assert.deepEqual(said, { answer: { state: 'locked', because: 'keystore changed' }, key: null });
    assert.deepEqual([key, await holder.ended], [wiped, 'keystore changed']);
  });

  test('forgets when the keystore is deleted, within a second; goes on when it was only touched', async (t) => {
    const { place, keystore, key, holder, runtime } = await holding(t);
    utimesSync(keystore, 1, 1);
    await runtime.pass(LOOK_MS);
    assert.equal((await askHolder(place, keyOf('sealed')))?.answer.state, 'held');
    rmSync(keystore);
    await runtime.pass(LOOK_MS);
    assert.deepEqual([key, await holder.ended], [wiped, 'keystore changed']);
  });

  test('forgets when its socket is gone, as nobody could tell it to', async (t) => {
    const { place, key, holder, runtime } = await holding(t);
    rmSync(place.socket);
    await runtime.pass(LOOK_MS);
    assert.deepEqual([key, await holder.ended], [wiped, 'socket gone']);
  });

  test('gives way to a newer one, and leaves that one its socket', async (t) => {
    const { place, key, hold, holder, runtime } = await holding(t);
    const second = new Uint8Array(64).fill(2);
    const newer = await hold(second, 4_712);
    t.after(() => newer.end('signal'));
    await runtime.pass(LOOK_MS);
    assert.deepEqual([key, await holder.ended], [wiped, 'socket gone']);
    const given = await askHolder(place, keyOf('sealed'));
    assert.deepEqual(new Uint8Array(given?.key ?? []), second);
  });

  test('takes the place of a socket that a killed one left, where nobody answers', async (t) => {
    const place = placed(t);
    mkdirSync(place.folder, { mode: 0o700 });
    const dead = createServer().listen(`${place.socket}.dead`);
    await once(dead, 'listening');
    chmodSync(`${place.socket}.dead`, 0o600);
    // Under another name it stays when its server ends.
    renameSync(`${place.socket}.dead`, place.socket);
    await new Promise((resolve) => dead.close(resolve));
    assert.equal(await askHolder(place, keyOf('sealed')), null);
    const keystore = join(place.folder, 'keystore.json');
    writeFileSync(keystore, 'sealed');
    const runtime = new VirtualRuntime(NOW_MS);
    const heldFor = { account: ACCOUNT, keystore, keystoreSha256: sha256('sealed') };
    const key = holdKey(new Uint8Array(64), FOR_MS, runtime);
    const holder = await serveHolder(place, key, heldFor, { runtime, pid: 4_713 });
    assert.equal((await askHolder(place, status))?.answer.state, 'held');
    holder.end('signal');
    assert.equal(await holder.ended, 'signal');
  });
});

/** A connection on which what is sent is up to a test. */
async function rawTo(place: SocketPlace): Promise<Socket> {
  const socket = connect(place.socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function saidTo(place: SocketPlace, question: string): Promise<string> {
  const socket = await rawTo(place);
  let said = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    said += text;
  });
  socket.write(question);
  await once(socket, 'close');
  return said;
}

describe('a key holder is asked for nothing else', () => {
  test('refuses a line without end, one that is too long, no JSON, and questions that are none', async (t) => {
    const { place, key } = await holding(t);
    const questions = [
      'x'.repeat(2 ** 20),
      `${JSON.stringify({ ask: 'status', more: 'x'.repeat(MAX_QUESTION_BYTES) })}\n`,
      'status\n',
      '\n',
      '\u0000\n',
      '{"ask":"password"}\n',
      '{"ask":"key"}\n',
      `{"ask":"key","keystoreSha256":"${'0'.repeat(63)}"}\n`,
      `{"ask":"key","keystoreSha256":["${sha256('sealed')}"]}\n`,
      '{"ask":"lock","also":"this"}\n',
    ];
    for (const question of questions) {
      const said = await saidTo(place, question);
      assert.match(said, /^(\{"state":"refused","because":"[^"]+"\}\n)?$/, question.slice(0, 40));
    }
    assert.notDeepEqual(key, wiped);
    assert.equal((await askHolder(place, status))?.answer.state, 'held');
  });

  test('answers one question a connection', async (t) => {
    const { place } = await holding(t);
    const twice = `${JSON.stringify(status)}\n`.repeat(2);
    assert.equal((await saidTo(place, twice)).match(/"state"/g)?.length, 1);
  });

  test('sends away who comes to many others, and hangs up on who says nothing', async (t) => {
    const { place, runtime } = await holding(t);
    const silent = await Promise.all(Array.from({ length: MAX_CONNECTIONS }, () => rawTo(place)));
    await assert.rejects(askHolder(place, status), answersNot(/hung up without an answer|broke off/));
    const closed = silent.map((socket) => once(socket, 'close'));
    silent[0]?.write('{"ask"');
    await runtime.pass(ANSWER_TIMEOUT_MS);
    await Promise.all(closed);
    assert.equal((await askHolder(place, status))?.answer.state, 'held');
  });
});

describe('a command asks nobody else', () => {
  test('refuses a folder that others can use, a link to one, and what is no socket', async (t) => {
    const { place } = await holding(t);
    const beside = join(place.folder, '..', 'beside');
    symlinkSync(place.folder, beside);
    const linked = { folder: beside, socket: join(beside, '0123456789ab.sock') };
    await assert.rejects(askHolder(linked, status), refusedAs(/beside is not a folder\. Move it away\./));
    const link = join(place.folder, 'link.sock');
    symlinkSync(place.socket, link);
    await assert.rejects(askHolder({ ...place, socket: link }, status), refusedAs(/link\.sock is not a socket/));
    chmodSync(place.socket, 0o666);
    await assert.rejects(askHolder(place, status), refusedAs(/has mode 0666/));
    chmodSync(place.folder, 0o755);
    await assert.rejects(askHolder(place, status), refusedAs(/has mode 0755.+ must be 0700/));
  });

  test('nor listens in such a folder', async (t) => {
    const { place, key, hold } = await holding(t);
    chmodSync(place.folder, 0o750);
    await assert.rejects(hold(key), refusedAs(/has mode 0750/));
    renameSync(place.folder, `${place.folder}.away`);
    chmodSync(`${place.folder}.away`, 0o700);
    symlinkSync(`${place.folder}.away`, place.folder);
    await assert.rejects(hold(key), refusedAs(/is not a folder/));
  });

  test('gives up on who answers nothing, too much, or something else', async (t) => {
    const place = placed(t);
    mkdirSync(place.folder, { mode: 0o700 });
    let says: string | null = null;
    const liar = createServer((socket) => {
      socket.on('error', () => {});
      if (says !== null) socket.end(says);
    }).listen(place.socket);
    t.after(() => liar.close());
    await once(liar, 'listening');
    chmodSync(place.socket, 0o600);
    await assert.rejects(askHolder(place, status, 20), answersNot(/did not answer within 20 ms/));
    const held = `{"state":"held","account":"${ACCOUNT}","keystore":"k","pid":1,"untilMs":1,"remainingMs":1}\n`;
    const lies: readonly (readonly [string, RegExp])[] = [
      ['', /hung up without an answer/],
      ['{"state":"held"}\n', /gave an answer that is none/],
      ['{"state":"locked","because":"asked"}\nkey', /gave an answer that is none/],
      [`{"state":"locked","because":"asked"}\n${'k'.repeat(64)}`, /gave an answer that is none/],
      [`${held}${'k'.repeat(63)}`, /gave an answer that is none/],
      ['x'.repeat(100_000), /sent more than 8192 bytes/],
    ];
    for (const [lie, expected] of lies) {
      says = lie;
      await assert.rejects(askHolder(place, keyOf('sealed')), answersNot(expected), lie.slice(0, 60));
    }
  });
});

describe('the place of the socket', () => {
  test("is in the session's folder where nobody else can use that, else in the home; each home has its own name", (t) => {
    const home = join(placed(t).folder, '..');
    const session = join(home, 'session');
    mkdirSync(session, { mode: 0o700 });
    const { places, passedOver } = socketPlaces(home, session);
    assert.deepEqual(
      [places.map(({ folder }) => folder), passedOver],
      [[join(session, 'plumbline'), join(home, 'unlocked')], null],
    );
    assert.notEqual(places[0]?.socket, socketPlaces(session, session).places[0]?.socket);
    const link = join(home, 'same-home');
    symlinkSync(home, link);
    assert.deepEqual(socketPlaces(link, session).places, places);
    assert.deepEqual(socketPlaces(home, undefined).places, places.slice(1));
  });

  test("passes over a session's folder that is a link, open, missing, relative, or too deep, and says why", (t) => {
    const home = join(placed(t).folder, '..');
    const session = join(home, 'session');
    const deep = join(home, 'd'.repeat(80));
    for (const folder of [session, deep]) mkdirSync(folder, { mode: 0o700 });
    const why = (folder: string): string => {
      const { places, passedOver } = socketPlaces(home, folder);
      assert.equal(places.length, 1);
      return passedOver ?? 'not passed over';
    };
    symlinkSync(session, join(home, 'link'));
    assert.match(why(join(home, 'link')), /is not a folder/);
    assert.match(why('session'), /is not an absolute path/);
    assert.match(why(join(home, 'nowhere')), /does not exist/);
    assert.match(why(deep), /at most 103 are possible/);
    symlinkSync(home, join(session, 'plumbline'));
    assert.match(why(session), /plumbline is not a folder/);
    chmodSync(session, 0o711);
    assert.match(why(session), /has mode 0711/);
  });

  test('is refused where no kernel takes its path', () => {
    const [place] = socketPlaces(`/${'h'.repeat(90)}`, undefined).places;
    assert.throws(
      () => requireShort(place as SocketPlace),
      refusedAs(/at most 103 are possible\. Set XDG_RUNTIME_DIR/),
    );
  });
});
