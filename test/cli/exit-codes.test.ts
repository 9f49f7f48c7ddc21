import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EXIT, EXIT_OF_KIND } from '../../cli/exit-codes.ts';
import type { ErrorKind } from '../../core/errors.ts';
import { describeErrors } from '../../dev/errors/describe-errors.ts';
import { quickenKeystore } from './quicken-keystore.ts';
import { type Ended, runPlumbProcess, type StackUnderTest, spawnPlumb, startStackUnderTest } from './run-plumb.ts';

let folder: string;
let stack: StackUnderTest;
let password: readonly string[];
let withStack: Record<string, string>;
const closing: (() => void)[] = [];

/** Where a home without a stack finds chain and service. */
async function homeWith(change: { rpcUrl?: string; apiUrl?: string }): Promise<Record<string, string>> {
  const { rpcUrl, chainId, apiUrl, contracts } = JSON.parse(await readFile(stack.stackFile, 'utf8'));
  const connection = { rpcUrl, chainId, apiUrl, dissc: contracts.DISSC, ...change };
  await writeFile(join(folder, 'owner', 'connection.json'), JSON.stringify(connection), { mode: 0o600 });
  return { PLUMB_HOME: join(folder, 'owner') };
}

/** A server of somebody else, of which only the address is right. @returns its URL */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => listener(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const servePage = (status: number): Promise<string> =>
  serve((_, response) => {
    const headers = {
      'content-type': 'text/html',
      ...(status === 302 ? { location: 'http://127.0.0.1:9/login' } : {}),
    };
    response.writeHead(status, headers).end('<!doctype html><title>Welcome</title><h1>Accept our terms</h1>');
  });

const owner = (args: readonly string[], env = withStack): Promise<Ended> =>
  runPlumbProcess(['owner', ...args, ...password, '--json'], env);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-exit-'));
  stack = await startStackUnderTest(join(folder, 'stack'));
  withStack = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
  await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
  password = ['--password-file', join(folder, 'password')];
  const { account } = JSON.parse((await owner(['init', '--mnemonic-out', join(folder, 'mnemonic')])).stdout);
  await quickenKeystore(join(folder, 'owner'), 'correct horse battery');
  assert.equal((await runPlumbProcess(['local', 'admit', account], withStack)).exitCode, 0);
  for (const name of ['readings', 'empty']) {
    assert.equal((await runPlumbProcess(['dataset', 'create', name, ...password], withStack)).exitCode, 0);
  }
  const provision = join(folder, 'device.json');
  await runPlumbProcess(['device', 'provision', 'readings', ...password, '--out', provision], withStack);
  const device = [
    'device',
    'run',
    '--provision',
    provision,
    '--source',
    'stdin',
    '--every',
    '100ms',
    '--poll',
    '100ms',
  ];
  const ran = await runPlumbProcess([...device, '--until-idle', '--timeout', '60s'], {}, 'one\ntwo\nthree\n');
  assert.equal(ran.exitCode, 0, ran.stderr);
});

after(async () => {
  for (const close of closing) close();
  await stack?.end('SIGINT');
  await rm(folder, { recursive: true, force: true });
});

/** How each kind of error is met, and what its message must name. */
const PROVOKED: Readonly<Record<ErrorKind, () => Promise<{ ended: Ended; says: RegExp | string }>>> = {
  async arguments() {
    return { ended: await owner(['verify', 'readings', '--from', 's3']), says: /--protocol II/ };
  },
  async file() {
    const loose = join(folder, 'loose');
    await writeFile(loose, 'correct horse battery\n');
    await chmod(loose, 0o644);
    const args = ['owner', 'verify', 'readings', '--password-file', loose, '--json'];
    return { ended: await runPlumbProcess(args, withStack), says: loose };
  },
  async answer() {
    const apiUrl = await serve((_, response) => response.end('{"batches": "all of them"}'));
    return { ended: await owner(['publish', 'readings'], await homeWith({ apiUrl })), says: apiUrl };
  },
  async unavailable() {
    const apiUrl = 'http://127.0.0.1:9';
    return { ended: await owner(['publish', 'readings'], await homeWith({ apiUrl })), says: apiUrl };
  },
  async chain() {
    const rpcUrl = await serve((_, response) => response.end('{"jsonrpc": "2.0", "id": 0, "result": "0x1"}'));
    return { ended: await owner(['verify', 'readings'], await homeWith({ rpcUrl })), says: new URL(rpcUrl).host };
  },
  async refused() {
    const stranger = { ...withStack, PLUMB_HOME: join(folder, 'stranger') };
    await owner(['init', '--mnemonic-out', join(folder, 'other')], stranger);
    const { dataset } = JSON.parse(await readFile(join(folder, 'device.json'), 'utf8'));
    return { ended: await owner(['publish', dataset], stranger), says: /refuses list-batches \(403\)/ };
  },
  async 'not-recorded'() {
    return { ended: await owner(['verify', 'empty', '--anchor', 'latest']), says: /record/ };
  },
  async state() {
    const args = ['local', 'up', '--data', join(folder, 'stack'), '--json'];
    return { ended: await runPlumbProcess(args), says: join(folder, 'stack') };
  },
  async defect() {
    // A part of the program that does what nobody has thought of.
    const broken = "URL.canParse=()=>{throw new TypeError('out of order')}";
    const args = ['contracts', 'verify', '--rpc', 'http://127.0.0.1:9', '--json'];
    const NODE_OPTIONS = `--import="data:text/javascript,${encodeURIComponent(broken)}"`;
    return { ended: await runPlumbProcess(args, { NODE_OPTIONS }), says: /out of order/ };
  },
};

describe('every kind of error', () => {
  for (const [kind, exit] of Object.entries(EXIT_OF_KIND) as [ErrorKind, keyof typeof EXIT][]) {
    test(`${kind} ends with ${EXIT[exit]}, and its message names what it is about`, async () => {
      const { ended, says } = await PROVOKED[kind]();
      assert.equal(ended.exitCode, EXIT[exit], `${ended.stdout}${ended.stderr}`);
      const { error, exitCode } = JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
      assert.equal(exitCode, EXIT[exit]);
      // A TypeError is nobody's kind, and a defect for that.
      if (error.name !== 'TypeError') assert.equal(error.kind, kind);
      if (typeof says === 'string') assert.ok(error.message.includes(says), error.message);
      else assert.match(error.message, says);
      assert.match(describeErrors(), new RegExp(`^\\| ${EXIT[exit]} \\| \`${kind}\` \\|`, 'm'));
    });
  }
});

describe('codes without an error of a kind', () => {
  test('0 for what was asked for: a check that finds all intact, help, the version', async () => {
    const verified = await owner(['verify', 'readings']);
    assert.equal(verified.exitCode, EXIT.ok, verified.stderr);
    for (const args of [['--help'], ['owner', 'verify', '--help'], ['--version']]) {
      assert.equal((await runPlumbProcess(args)).exitCode, EXIT.ok, args.join(' '));
    }
  });

  test('1 for a check that finds something not intact', async () => {
    const { dataset } = JSON.parse(await readFile(join(folder, 'device.json'), 'utf8'));
    const stranger = { ...withStack, PLUMB_HOME: join(folder, 'somebody') };
    await owner(['init', '--mnemonic-out', join(folder, 'third')], stranger);
    const ended = await owner(['verify', dataset], stranger);
    assert.equal(ended.exitCode, EXIT.notIntact);
    assert.equal(JSON.parse(ended.stdout).ok, false);
  });

  for (const args of [['bogus'], ['owner', 'verify'], ['owner', 'verify', 'x', '--bogus'], []]) {
    test(`2 for what the command line itself refuses: plumb ${args.join(' ')}`, async () => {
      const ended = await runPlumbProcess(args);
      assert.equal(ended.exitCode, EXIT.usage);
      assert.match(ended.stderr, /error:|Usage:/);
    });
  }

  test('130 for an interruption', async () => {
    const asked = Promise.withResolvers<void>();
    const rpcUrl = await serve(() => asked.resolve());
    const child = spawnPlumb(['owner', 'verify', 'readings', ...password], await homeWith({ rpcUrl }));
    const ended = once(child, 'exit');
    await asked.promise;
    child.kill('SIGINT');
    assert.deepEqual(await ended, [EXIT.interrupted, null]);
  });

  test('plumb --help says them all', async () => {
    const { stdout } = await runPlumbProcess(['--help']);
    const said = stdout.slice(stdout.indexOf('Exit codes:'));
    for (const code of Object.values(EXIT)) assert.match(said, new RegExp(`[\\s]${code} [a-z]`));
  });
});

describe('a page of a proxy where an answer should be', () => {
  for (const status of [200, 302, 404, 502]) {
    test(`with status ${status}, in place of the chain: 3, and its address`, async () => {
      const rpcUrl = await servePage(status);
      const ended = await owner(['verify', 'readings'], await homeWith({ rpcUrl }));
      assert.equal(ended.exitCode, EXIT.unavailable, ended.stdout);
      assert.ok(JSON.parse(ended.stdout).error.message.includes(new URL(rpcUrl).host), ended.stdout);
    });

    test(`with status ${status}, in place of the service: 3, and its address`, async () => {
      const apiUrl = await servePage(status);
      const env = await homeWith({ apiUrl });
      const ended = await owner(['publish', 'readings'], env);
      assert.equal(ended.exitCode, EXIT.unavailable, ended.stdout);
      assert.ok(JSON.parse(ended.stdout).error.message.includes(apiUrl), ended.stdout);
      const audited = await owner(['verify', 'readings'], env);
      assert.equal(audited.exitCode, EXIT.unavailable, audited.stdout);
      assert.ok(JSON.parse(audited.stdout).notIntact[0].reason.includes(apiUrl), audited.stdout);
    });
  }
});
