import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { address } from '../../core/ids.ts';
import { exampleEvidence } from '../../dev/specification/example-evidence.ts';
import {
  type AuthorityServer,
  answerQuery,
  makeAuthority,
  pemOf,
  serveAuthority,
} from '../adapters/timestamp/make-authority.ts';
import { quickenKeystore } from './quicken-keystore.ts';
import { runPlumb, type StackUnderTest, spawnPlumb, startStackUnderTest } from './run-plumb.ts';

let folder: string;
let stack: StackUnderTest;
let authority: AuthorityServer;
let env: Record<string, string>;
const at = (name: string) => join(folder, name);
const passwordArgs = () => ['--password-file', at('password')];

const RUN = ['--every', '200ms', '--poll', '100ms'];

/** Three blocks of a file, as a block has at most 1 MiB - 16 bytes. */
const DOOR = Buffer.alloc(2_300_000, 'door opened\n');

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-evidence-'));
  stack = await startStackUnderTest(at('stack'));
  const { root, issuer, signer } = await makeAuthority();
  authority = await serveAuthority(async (query) => ({ body: await answerQuery(query, { signer, others: [issuer] }) }));
  await writeFile(at('roots.pem'), pemOf(root));
  env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: at('owner') };
  await writeFile(at('password'), 'correct horse battery\n', { mode: 0o600 });
  const { account } = await plumb(['owner', 'init', ...passwordArgs(), '--mnemonic-out', at('mnemonic')]);
  await quickenKeystore(at('owner'), 'correct horse battery');
  await plumb(['local', 'admit', account]);
  await mkdir(at('files'));
  await writeFile(at('files/door.log'), DOOR);
  for (const [name, how] of [
    ['door', 'record'],
    ['pump', 'round'],
  ] as const) {
    await plumb(['dataset', 'create', name, '--anchor', how, ...passwordArgs()]);
    await plumb(['device', 'provision', name, '--out', at(`${name}.json`), ...passwordArgs()]);
  }
  await plumb([
    'device',
    'run',
    '--provision',
    at('door.json'),
    '--source',
    `dir:${at('files')}`,
    ...RUN,
    '--until-idle',
  ]);
  const lines = Array.from({ length: 9 }, (_, i) => `pump ${i}\n`).join('');
  await plumb(['device', 'run', '--provision', at('pump.json'), '--source', 'stdin', ...RUN, '--until-idle'], lines);
});

after(async () => {
  await stack?.end('SIGINT');
  await authority?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The last line that a command says, by its exit code. */
async function plumb(args: readonly string[], input = '', exitCode = 0, environment = env) {
  const ended = await runPlumb([...args, '--json'], environment, input);
  assert.equal(ended.exitCode, exitCode, `${args.join(' ')}\n${ended.stdout}${ended.stderr}`);
  return JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? 'null');
}

/** As somebody who was given two files: no home, no stack. */
const verify = (args: readonly string[], exitCode = 0) =>
  plumb(['verify', ...args], '', exitCode, { PLUMB_HOME: at('nobody') });

test('a file and its evidence are all that somebody needs', async () => {
  const made = await plumb([
    'owner',
    'prove',
    'door',
    '--file',
    'door.log',
    '--open',
    '--timestamp',
    authority.url,
    '--out',
    at('door.evidence.json'),
    ...passwordArgs(),
  ]);
  assert.deepEqual([made.timestamp.authority, made.timestamp.holds], ['CN=Test time', null]);
  assert.deepEqual([made.count, made.files], [3, ['door.log']]);
  const report = await verify([at('door.evidence.json'), at('files/door.log')]);
  assert.deepEqual([report.verdict, report.strength, report.name, report.count], ['intact', 'retrieved', 'door', 3]);
  assert.match(report.notAfter, /^20/);
  assert.ok(report.notBefore === null || report.notBefore <= report.notAfter);
  assert.equal(report.restsOn[0].holds, null);
  const { rpcUrl } = JSON.parse(await readFile(stack.stackFile, 'utf8'));
  const asked = await verify([at('door.evidence.json'), at('files/door.log'), '--rpc', rpcUrl]);
  assert.deepEqual(
    [asked.verdict, asked.restsOn.map(({ holds }: { holds: boolean }) => holds).includes(false)],
    ['intact', false],
  );
  assert.match(asked.restsOn[0].restsOn, /^all receipts of the block/);
  const unlike = await verify([at('door.evidence.json'), '--dissc', `0x${'d1'.repeat(20)}`], 1);
  assert.match(unlike.reason, /not on 0xd1(?:d1)+, which you named/);
  const other = Buffer.from(DOOR);
  other[1_500_000]! ^= 1;
  await writeFile(at('other.log'), other);
  const differs = await verify([at('door.evidence.json'), at('other.log')], 1);
  assert.equal(differs.verdict, 'corrupted');
  assert.match(differs.reason, /1 of 3 blocks differs: block \d+, bytes 1048560 to/);
  assert.equal(report.timestamp.holds, null);
  const roots = ['--tsa-roots', at('roots.pem')];
  const shown = await runPlumb(['verify', at('door.evidence.json'), at('files/door.log'), '--explain', ...roots], {});
  assert.match(
    shown.stdout,
    /^door\.log: intact, byte for byte\. door\.log \(blocks 0 to 2, .*CN=Test time time-stamped the head of this log on .*, which you trust\..*Table III, step 10, 14.*holds {2}The time-stamp is on this head\n *imprint/s,
  );
});

test('evidence of another contract than DISSC proves nothing until its reader names that contract', async () => {
  const contract = `0x${'d1'.repeat(20)}`;
  await writeFile(at('other.evidence.json'), await exampleEvidence(address(contract)));
  await writeFile(at('lines'), 'hello\nworld\n');
  const refused = await verify([at('other.evidence.json'), at('lines')], 1);
  assert.deepEqual([refused.verdict, refused.data], ['unproven', []]);
  assert.match(refused.reason, /Another contract may have recorded anything.*--dissc ADDRESS/);
  const named = await runPlumb(['verify', at('other.evidence.json'), at('lines'), '--dissc', contract], {});
  assert.match(
    named.stdout,
    new RegExp(`^lines: intact.* recorded on ${contract}, which is not DISSC, in chain block`),
  );
  assert.equal((await runPlumb(['verify', at('other.evidence.json'), '--dissc', 'DISSC'], {})).exitCode, 2);
});

test('evidence is not overwritten, and says what is wrong with what is asked for', async () => {
  const prove = ['owner', 'prove', 'door', ...passwordArgs()];
  const again = await plumb([...prove, '--blocks', '0', '--out', at('door.evidence.json')], '', 2);
  assert.match(again.error.message, /exists already, and evidence is never overwritten/);
  const none = await plumb([...prove, '--blocks', '0-7', '--out', at('x')], '', 2);
  assert.match(none.error.message, /There is no block 7 yet: the chain has blocks 0 to 2/);
  const both = await plumb([...prove, '--blocks', '0', '--file', 'a', '--out', at('x')], '', 2);
  assert.match(both.error.message, /Give one of/);
  const data = await verify([at('files/door.log')], 2);
  assert.match(data.error.message, /is not evidence that this program can read/);
  const missing = await verify([at('nothing')], 2);
  assert.match(missing.error.message, /There is no file/);
});

test('Ctrl-C while something is waited for ends it, and leaves no file', async () => {
  const asked = Promise.withResolvers<void>();
  const silent = await serveAuthority(async () => {
    asked.resolve();
    return null;
  });
  try {
    const out = at('interrupted.evidence.json');
    const args = [
      'owner',
      'prove',
      'door',
      '--blocks',
      '0',
      '--timestamp',
      silent.url,
      '--out',
      out,
      ...passwordArgs(),
    ];
    const child = spawnPlumb(args, env);
    const exited = once(child, 'exit');
    await Promise.race([asked.promise, exited]);
    child.kill('SIGINT');
    assert.deepEqual((await exited)[0], 130);
    await assert.rejects(stat(out), { code: 'ENOENT' });
  } finally {
    await silent.stop();
  }
});

test('a block is proven in the forms that others read, with its evidence inside; of several, or by an auditor, it is not', async () => {
  const prove = ['owner', 'prove', 'door', ...passwordArgs()];
  const made = await plumb([...prove, '--blocks', '1', '--format', 'tlog-proof', '--out', at('one.tlog-proof')]);
  const text = await readFile(at('one.tlog-proof'), 'utf8');
  const [, extra, index, origin] =
    /^c2sp\.org\/tlog-proof@v1\nextra (\S+)\nindex (\d+)\n(?:\S{44}\n)+\n(\S+)\n3\n/.exec(text) ?? [];
  assert.deepEqual([index, `${origin}+`], ['1', made.verifierKey.slice(0, `${origin}+`.length)]);
  const shown = JSON.parse(Buffer.from(extra as string, 'base64').toString());
  await writeFile(at('inner.evidence.json'), JSON.stringify(shown.evidence));
  assert.deepEqual((await verify([at('inner.evidence.json')])).blocks, [{ from: 1, to: 1 }]);
  const cose = await plumb([...prove, '--blocks', '1', '--format', 'cose', '--out', at('one.cose')]);
  assert.match(cose.publicKeyPem, /^-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA/);
  assert.equal((await readFile(at('one.cose'))).subarray(0, 2).toString('hex'), 'd284');
  const several = await plumb([...prove, '--file', 'door.log', '--format', 'cose', '--out', at('x')], '', 2);
  assert.match(several.error.message, /proves one block, but you asked for 3/);
  const early = await plumb([...prove, '--blocks', '0-1', '--format', 'cose', '--out', at('x')], '', 2);
  assert.match(early.error.message, /--format cose proves one block, but you asked for 2/);
});

test('a time is proven whole from the bare bucket, and bytes come along', async () => {
  await plumb([
    'owner',
    'prove',
    'door',
    '--from',
    '2026-01-01T00:00:00Z',
    '--via',
    's3',
    '--with-bytes',
    '--out',
    at('whole.evidence.json'),
    ...passwordArgs(),
  ]);
  const report = await verify([at('whole.evidence.json')]);
  assert.deepEqual(
    [report.verdict, report.strength, report.count, report.wholeTime.logBlocks],
    ['intact', 'retrieved', 3, 3],
  );
  assert.ok((await stat(at('whole.evidence.json'))).size > (DOOR.length * 4) / 3);
});

test('what stands in a round alone is proven by the round', async () => {
  await plumb([
    'owner',
    'prove',
    'pump',
    '--blocks',
    '2-4',
    '--open',
    '--out',
    at('pump.evidence.json'),
    ...passwordArgs(),
  ]);
  await writeFile(at('three'), 'pump 2\npump 3\npump 4\n');
  const report = await verify([at('pump.evidence.json'), at('three')]);
  assert.deepEqual([report.verdict, report.recorded, report.anchored.number], ['intact', null, 1]);
  const { rpcUrl } = JSON.parse(await readFile(stack.stackFile, 'utf8'));
  assert.equal((await verify([at('pump.evidence.json'), at('three'), '--rpc', rpcUrl])).verdict, 'intact');
  const changed = (await readFile(at('pump.evidence.json'), 'utf8')).replace('"number":1', '"number":2');
  await writeFile(at('changed.evidence.json'), changed);
  assert.equal((await verify([at('changed.evidence.json')])).restsOn[0].says === report.restsOn[0].says, false);
  assert.equal((await verify([at('changed.evidence.json'), '--rpc', rpcUrl], 1)).verdict, 'contradicted');
});

test('an auditor verifies and makes evidence from the bucket, and opens no content', async () => {
  const file = at('door.auditor.json');
  await plumb(['owner', 'auditor', 'door', '--out', file, ...passwordArgs()]);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const text = await readFile(file, 'utf8');
  for (const secret of ['datasetKey', 'readKey', 'PrivateKey']) assert.equal(text.includes(secret), false, secret);
  const nobody = { PLUMB_HOME: at('nobody'), PLUMB_STACK: stack.stackFile };
  const report = await plumb(['auditor', 'verify', file, 'door'], '', 0, nobody);
  assert.deepEqual([report.ok, report.evidence, report.counts.intact], [true, 'retrieved', 3]);
  const prove = [
    'auditor',
    'prove',
    file,
    'door',
    '--file',
    'door.log',
    '--with-bytes',
    '--out',
    at('audited.evidence.json'),
  ];
  await plumb(prove, '', 0, nobody);
  const checked = await verify([at('audited.evidence.json')]);
  assert.deepEqual([checked.verdict, checked.strength], ['intact', 'retrieved']);
  const closed = await verify([at('audited.evidence.json'), at('files/door.log')], 1);
  assert.match(
    closed.reason,
    /The evidence has no content keys, so it can only be compared with the stored \(encrypted\) bytes/,
  );
  const form = ['auditor', 'prove', file, 'door', '--blocks', '0', '--format', 'cose', '--out', at('x')];
  assert.match((await plumb(form, '', 2, nobody)).error.message, /An auditor has no log key/);
  const unknown = await plumb(['auditor', 'verify', file, 'pump'], '', 2, nobody);
  assert.match(unknown.error.message, /The auditor file has no dataset pump\. It has door/);
});
