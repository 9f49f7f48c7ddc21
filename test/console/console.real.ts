import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { writeConsole } from '../../dev/console/build-console.ts';
import { runPlumb, type StackUnderTest, startStackUnderTest } from '../cli/run-plumb.ts';
import { findBarriers, openBrowser } from './open-page.ts';

/** Pictures of what a person sees, for people: $PLUMBLINE_SHOTS, or nowhere. */
const shots = process.env.PLUMBLINE_SHOTS;
const PASSWORD = 'correct horse battery';

let folder: string;
let stack: StackUnderTest;
let url: string;
let browser: Browser;
let env: Record<string, string>;
let dataset: string;
const at = (...names: string[]) => join(folder, ...names);

async function plumb(...args: string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await runPlumb([...args, '--json'], env);
  assert.equal(exitCode, 0, `plumb ${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}');
}

before(async () => {
  await writeConsole();
  folder = await mkdtemp(join(tmpdir(), 'plumbline-console-'));
  stack = await startStackUnderTest(at('stack'));
  url = `${JSON.parse(await readFile(stack.stackFile, 'utf8')).apiUrl}/`;
  await writeFile(at('password'), `${PASSWORD}\n`, { mode: 0o600 });
  env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: at('home'), PLUMB_PASSWORD_FILE: at('password') };
  const secret = ['--password-file', at('password')];
  const { account } = await plumb('owner', 'init', ...secret, '--mnemonic-out', at('mnemonic'));
  await plumb('local', 'admit', String(account));
  dataset = String((await plumb('dataset', 'create', 'pump', ...secret)).dataset);
  await plumb('device', 'provision', 'pump', '--out', at('pump.json'), ...secret);
  await mkdir(at('source'));
  const minute = (i: number) => new Date(Date.UTC(2026, 10, 25, 0, i)).toISOString();
  const lines = Array.from({ length: 200 }, (_, i) => `${minute(i)},${(3 + Math.sin(i / 20)).toFixed(3)}`);
  await writeFile(at('source', 'pump.csv'), `time,pressure\n${lines.join('\n')}\n`);
  await writeFile(at('source', 'firmware.bin'), new Uint8Array(60_000).fill(0));
  const run = ['--source', `dir:${at('source')}`, '--provision', at('pump.json'), '--block-bytes', '1024B'];
  await plumb('device', 'run', ...run, '--until-idle', '--every', '1s', '--settle', '500ms', '--poll', '500ms');
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await stack?.end('SIGTERM').catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

/** A page, with what it asked of others and what the browser complained of. */
async function open(options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const foreign: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('blob:')) foreign.push(request.url());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  try {
    await page.goto(url);
    await use(page);
    assert.deepEqual(foreign, [], 'it asked somebody else');
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

async function picture(page: Page, name: string): Promise<void> {
  if (shots === undefined) return;
  await mkdir(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `console-${name}.png`), fullPage: true });
}

async function openKeys(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Open my keys' }).first().click();
  await page.getByLabel('Key files').setInputFiles([at('home', 'keystore.json'), at('home', 'datasets.json')]);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('button', { name: 'Forget keys' }).waitFor({ timeout: 60_000 });
}

async function openDataset(page: Page): Promise<void> {
  await page.getByRole('link', { name: /^pump/ }).click();
  await page.getByRole('heading', { name: 'pump' }).waitFor();
  await page.getByRole('heading', { name: /^All \d+ blocks$/ }).waitFor();
}

async function verifyAll(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByRole('heading', { name: 'Last check' }).waitFor({ timeout: 60_000 });
  return (await page.locator('.verdict').first().textContent()) ?? '';
}

const isNarrow = (page: Page) => page.evaluate('document.documentElement.scrollWidth <= window.innerWidth');

test('without keys it shows what is public, and verifies nothing', () =>
  open({}, async (page) => {
    await page.getByRole('link', { name: /^pump/ }).click();
    await page.getByText("Verifying needs the owner's keys").waitFor();
    await picture(page, 'public');
  }));

test('a wrong password is said; the right one opens; all blocks are verified, read, drawn and proven', () =>
  open({}, async (page) => {
    await page.getByRole('link', { name: 'Open my keys' }).first().click();
    await page.getByLabel('Key files').setInputFiles([at('home', 'keystore.json')]);
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await page.getByText('The password does not open the keystore').waitFor({ timeout: 60_000 });
    await picture(page, 'wrong-password');
    await page.goto(url);
    await openKeys(page);
    await picture(page, 'overview');
    await openDataset(page);
    assert.match(await verifyAll(page), /^✓ All \d+ blocks are intact/);
    await page.getByRole('button', { name: /^Read the newest/ }).click();
    await page.getByText('pump.csv: pressure').waitFor({ timeout: 60_000 });
    assert.match((await page.locator('.chart').textContent()) ?? '', /200 readings/);
    const file = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download pump.csv' }).click();
    const saved = await (await file).path();
    assert.deepEqual(await readFile(saved), await readFile(at('source', 'pump.csv')));
    await picture(page, 'dataset');
    await page.getByRole('slider').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.getByText('✓ Intact').waitFor({ timeout: 60_000 });
    assert.equal(await page.locator('.steps > li').count(), 6);
    const evidence = page.waitForEvent('download', { timeout: 60_000 });
    await page.getByRole('button', { name: 'Make evidence of this block' }).click();
    const made = at('made.evidence.json');
    await (await evidence).saveAs(made);
    await picture(page, 'block');
    assert.equal((await runPlumb(['verify', made, '--json'], env)).exitCode, 0);
  }));

test('roles, names and contrast hold at 360 px, light and dark, in every view', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await open({ colorScheme, viewport: { width: 360, height: 740 } }, async (page) => {
      await openKeys(page);
      for (const view of ['', 'fleet', 'rounds', 'agreements', 'belief', 'sign-in', `dataset/${dataset}`]) {
        await page.evaluate(`location.hash = '#/${view}'`);
        await page.locator('.busy[hidden]').waitFor({ state: 'attached' });
        await page.getByRole('heading', { level: 1 }).waitFor();
        assert.deepEqual(await findBarriers(page), [], view);
        assert.equal(await isNarrow(page), true, `${view} is wider than the window`);
        await picture(page, `phone-${colorScheme}-${view.split('/')[0] || 'overview'}`);
      }
    });
  }
});

test('a server that lies about a chunk is found out, and one that shows another chain says so', async () => {
  await open({}, async (page) => {
    await openKeys(page);
    await openDataset(page);
    await page.route('**/v1/datasets/*/proofs', async (route) => {
      const answer = await route.fetch();
      const body = await answer.body();
      body[body.length - 20] = (body[body.length - 20] ?? 0) ^ 1;
      await route.fulfill({ response: answer, body });
    });
    await page.getByRole('button', { name: 'Verify' }).click();
    await page
      .getByText(/not intact|does not match its API/)
      .first()
      .waitFor({ timeout: 60_000 });
    await picture(page, 'liar');
  });
  await open({}, async (page) => {
    await page.route('**/console/place.json', async (route) => {
      const place = await (await route.fetch()).json();
      await route.fulfill({ json: { ...place, chainId: 1 } });
    });
    await page.reload();
    await page.getByRole('alert').waitFor({ timeout: 60_000 });
    assert.match((await page.getByRole('alert').textContent()) ?? '', /chain/i);
  });
});

test('a million blocks are drawn, with the one that is damaged', async () => {
  await open({}, async (page) => {
    await openKeys(page);
    await page.evaluate(
      `new Promise((resolve) => {
        const request = indexedDB.open('plumbline-console', 1);
        request.onupgradeneeded = () => request.result.createObjectStore('verified');
        request.onsuccess = () => {
          const account = document.querySelector('.reader span').title;
          const dissc = document.querySelector('footer code').title;
          const states = new Uint8Array(1000000).fill(2);
          states[654321] = 8;
          const map = { size: 1000000, states, checkedAt: new Uint32Array(1000000).fill(1790000000) };
          const put = request.result.transaction('verified', 'readwrite').objectStore('verified')
            .put({ map, last: null }, '31337 ' + dissc + ' ' + account + ' ${dataset}');
          put.onsuccess = resolve;
        };
      })`,
    );
    // What was read before the note was there is read again by whoever opens keys anew.
    await page.getByRole('button', { name: 'Forget keys' }).click();
    await openKeys(page);
    const begin = Date.now();
    await page.getByRole('link', { name: /^pump/ }).click();
    await page.getByRole('heading', { name: 'All 1,000,000 blocks' }).waitFor();
    const drawnMs = Date.now() - begin;
    await page.getByText('damaged: 1').first().waitFor();
    await picture(page, 'million');
    console.log(`a million blocks: shown after ${drawnMs} ms`);
  });
});

test('damage in the bucket is shown in red, and its block breaks at the comparison', () =>
  open({}, async (page) => {
    await damageStored();
    await openKeys(page);
    await openDataset(page);
    assert.match(await verifyAll(page), /^✗ .* not intact/);
    await picture(page, 'damage');
    await page.locator('.damage a').first().click();
    await page.getByText('✗').first().waitFor({ timeout: 60_000 });
    await page.locator('.steps .bad').first().waitFor({ timeout: 60_000 });
    await picture(page, 'damaged-block');
  }));

/** Changes a byte in the middle of the largest stored object, past everything that guards it. */
async function damageStored(): Promise<void> {
  const paths = await readdir(at('stack', 'objects'), { recursive: true, withFileTypes: true });
  let largest = { path: '', bytes: new Uint8Array() as Uint8Array };
  for (const entry of paths.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    if (bytes.length > largest.bytes.length) largest = { path, bytes };
  }
  const middle = Math.floor(largest.bytes.length / 2);
  largest.bytes[middle] = (largest.bytes[middle] ?? 0) ^ 1;
  await writeFile(largest.path, largest.bytes);
}

test('a stack that goes away is said, and what was read stays', () =>
  open({}, async (page) => {
    await page.getByRole('link', { name: /^pump/ }).waitFor();
    await stack.end('SIGTERM');
    await page.evaluate("location.hash = '#/rounds'");
    await page.getByRole('alert').waitFor({ timeout: 120_000 });
    assert.match((await page.getByRole('alert').textContent()) ?? '', /does not answer|cannot be reached/);
    await picture(page, 'gone');
  }));
