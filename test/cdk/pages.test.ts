import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { bundlePages } from '../../cdk/pages/bundle-pages.ts';

interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const run = promisify(execFile);
let folder: string;
const built = () => join(folder, 'built');

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-pages-'));
  await mkdir(join(built(), 'app'), { recursive: true });
  await writeFile(join(built(), 'check.html'), '<p>check</p>');
  await writeFile(join(built(), 'app', 'index.html'), '<p>console</p>');
  await writeFile(join(built(), 'app', 'console.js'), 'run();');
  await writeFile(join(built(), 'app', 'worker.js'), 'work();');
  await writeFile(join(built(), 'app', 'notes.txt'), 'nobody asked for this');
  bundlePages(built(), join(folder, 'lambda'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** As Lambda loads it: what was bundled, with the pages beside it. */
async function askAll(targets: readonly string[]): Promise<Answer[]> {
  const events = targets.map((target) => {
    const [rawPath, rawQueryString = ''] = target.split('?');
    return { rawPath, rawQueryString };
  });
  const script = `
    const { handler } = await import('./lambda/index.mjs');
    const answers = await Promise.all(${JSON.stringify(events)}.map(handler));
    console.log(JSON.stringify(answers));`;
  const env = { PLUMBLINE_PAGE_ORIGINS: 'https://node.example', PLUMBLINE_PAGE_PLACE: '{"v":1}' };
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder, env });
  return JSON.parse(stdout);
}

async function textOf({ body }: Answer): Promise<string> {
  const bytes = new Blob([Buffer.from(body, 'base64')]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(bytes).text();
}

test('the bundled pages are answered by their paths, with types and policies', async () => {
  const [check] = (await askAll(['/check'])) as [Answer];
  assert.deepEqual([check.statusCode, await textOf(check)], [200, '<p>check</p>']);
  assert.equal(check.headers['content-security-policy'], "frame-ancestors 'none'");
  const expected = [
    ['/console/index.html', 'text/html; charset=utf-8', '<p>console</p>'],
    ['/console/console.js', 'text/javascript; charset=utf-8', 'run();'],
  ] as const;
  const answers = await askAll(expected.map(([path]) => path));
  for (const [i, [path, type, text]] of expected.entries()) {
    const { statusCode, headers } = answers[i] as Answer;
    assert.deepEqual(
      [statusCode, headers['content-type'], await textOf(answers[i] as Answer)],
      [200, type, text],
      path,
    );
    const policy = headers['content-security-policy'] ?? '';
    assert.match(policy, /^default-src 'none'; script-src 'self';/);
    assert.match(policy, /connect-src 'self' https:\/\/node\.example;/);
    assert.match(policy, /frame-ancestors 'none'$/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
  }
});

test('the console’s short address leads to its first page, with what it was asked with', async () => {
  const [short, asked] = (await askAll(['/console', '/console?rpc=x'])) as [Answer, Answer];
  assert.deepEqual([short.statusCode, short.headers.location], [307, '/console/index.html']);
  assert.equal(asked.headers.location, '/console/index.html?rpc=x');
});

test('the console is told of its place, and may ask the node that its reader names', async () => {
  const node = encodeURIComponent('https://mine.example/key');
  const [place, page, bad] = (await askAll([
    '/console/place.json',
    `/console/worker.js?rpc=${node}`,
    `/console/console.js?rpc=${encodeURIComponent("https://x; script-src 'unsafe-inline'")}`,
  ])) as [Answer, Answer, Answer];
  assert.deepEqual([place.statusCode, place.body, place.headers['content-type']], [200, '{"v":1}', 'application/json']);
  assert.match(
    page.headers['content-security-policy'] ?? '',
    /connect-src 'self' https:\/\/node\.example https:\/\/mine\.example;/,
  );
  assert.match(bad.headers['content-security-policy'] ?? '', /connect-src 'self' https:\/\/node\.example;/);
});

test('nothing else is read, whatever the path says', async () => {
  const paths = [
    ...['/', '/console/', '/console/index.mjs', '/console/notes.txt', '/index.mjs', '/check.html'],
    ...['/console/../index.mjs', '/console/..%2Findex.mjs', '/console/../../../etc/passwd', '/console/__proto__'],
  ];
  for (const [i, { statusCode }] of (await askAll(paths)).entries()) assert.equal(statusCode, 404, paths[i]);
});

test('without a built check page, the deployment says how to build it', () => {
  assert.throws(() => bundlePages(join(folder, 'nowhere'), join(folder, 'other')), /npm run build:check/);
});
