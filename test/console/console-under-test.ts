import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { writeConsole } from '../../dev/console/build-console.ts';
import { quickenKeystore } from '../cli/quicken-keystore.ts';
import { runPlumb, type StackUnderTest, startStackUnderTest } from '../cli/run-plumb.ts';
import { openBrowser } from './open-page.ts';

/** Pictures of what a person sees, for people: $PLUMBLINE_SHOTS, or nowhere. */
const SHOTS = process.env.PLUMBLINE_SHOTS;
export const PASSWORD = 'correct horse battery';

/** The stack of a folder that was there before, at the addresses that it had. */
export async function restartStack(site: ConsoleUnderTest): Promise<void> {
  site.stack = await startStackUnderTest(site.at('stack'));
}

/** A stack whose owner has keys, and a browser that opens its console. */
export interface ConsoleUnderTest {
  stack: StackUnderTest;
  readonly browser: Browser;
  /** Of the page, with its last slash. */
  readonly url: string;
  readonly account: string;
  readonly env: Record<string, string>;
  /** A path in the folder of this test. */
  readonly at: (...names: string[]) => string;
  /** The command as this owner; its last line. */
  readonly plumb: (args: readonly string[], input?: string) => Promise<Record<string, unknown>>;
  /** A page, with what it asked of others and what the browser complained of. */
  readonly open: (options: BrowserContextOptions, use: (page: Page) => Promise<void>) => Promise<void>;
  readonly openKeys: (page: Page) => Promise<void>;
  readonly end: () => Promise<void>;
}

export async function startConsoleUnderTest(): Promise<ConsoleUnderTest> {
  await writeConsole();
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-console-'));
  const at = (...names: string[]) => join(folder, ...names);
  const stack = await startStackUnderTest(at('stack'));
  const url = `${JSON.parse(await readFile(stack.stackFile, 'utf8')).apiUrl}/`;
  await writeFile(at('password'), `${PASSWORD}\n`, { mode: 0o600 });
  const env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: at('home'), PLUMB_PASSWORD_FILE: at('password') };
  const plumb: ConsoleUnderTest['plumb'] = async (args, input = '') => {
    const { exitCode, stdout, stderr } = await runPlumb([...args, '--json'], env, input);
    assert.equal(exitCode, 0, `plumb ${args.join(' ')}: ${stdout}${stderr}`);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}');
  };
  const { account } = await plumb([
    ...['owner', 'init', '--password-file', at('password'), '--mnemonic-out', at('mnemonic')],
  ]);
  await quickenKeystore(at('home'), PASSWORD);
  await plumb(['local', 'admit', String(account)]);
  const browser = await openBrowser();
  const site: ConsoleUnderTest = {
    ...{ stack, browser, url, account: String(account), env, at, plumb },
    open: (options, use) => openWatched(browser, url, options, use),
    openKeys: (page) => openKeysOf(page, [at('home', 'keystore.json'), at('home', 'datasets.json')]),
    async end() {
      await browser.close();
      await site.stack.end('SIGTERM').catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return site;
}

async function openWatched(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
  use: (page: Page) => Promise<void>,
): Promise<void> {
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

async function openKeysOf(page: Page, files: readonly string[]): Promise<void> {
  await page.getByRole('link', { name: 'Open my keys' }).first().click();
  await page.getByLabel('Key files').setInputFiles([...files]);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('button', { name: 'Forget keys' }).waitFor({ timeout: 60_000 });
}

/** @param fullPage false where the page is too long for a picture */
export async function picture(page: Page, name: string, fullPage = true): Promise<void> {
  if (SHOTS === undefined) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `console-${name}.png`), fullPage });
}

/** Words of ordinary length that are cut at the end of a line, as in columns narrower than a word. */
export const brokenWords = (page: Page, within = 'main') =>
  page.evaluate(`(() => {
    const found = [];
    const texts = document.createTreeWalker(document.querySelector('${within}'), NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      for (const { index, 0: word } of text.data.matchAll(/[^\\s-]{1,20}(?![^\\s-])/g)) {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        if (!/[^\\s-]/.test(text.data[index - 1] ?? ' ') && range.getClientRects().length > 1) found.push(word);
      }
    }
    return found;
  })()`) as Promise<string[]>;

export const isNarrow = (page: Page) => page.evaluate('document.documentElement.scrollWidth <= window.innerWidth');

/** What the page has heard of until now is drawn: it draws once a frame. */
export const drawn = (page: Page) =>
  page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');

/** The page reads nothing any more. */
export const settled = (page: Page) => page.locator('.busy[hidden]').waitFor({ state: 'attached' });

/** Another view, once what it begins with was read. */
export async function goTo(page: Page, view: string): Promise<void> {
  // Told of as a task of its own, in which the page begins to read.
  await page.evaluate(`new Promise((done) => {
    if (location.hash === '#/${view}') done();
    addEventListener('hashchange', () => setTimeout(done), { once: true });
    location.hash = '#/${view}';
  })`);
  await drawn(page);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.locator('.busy[hidden]').waitFor({ state: 'attached', timeout: 60_000 });
}

/**
 * Captures the files of a folder into a dataset of this name, until all is final.
 * @param called the dataset's own name, where it is another than that of the files here
 * @returns the dataset's id
 */
export async function captureFiles(
  site: ConsoleUnderTest,
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  more: readonly string[] = [],
  called: string = name,
): Promise<string> {
  const { plumb, at } = site;
  const secret = ['--password-file', at('password')];
  const { dataset } = await plumb(['dataset', 'create', called, ...more, ...secret]);
  await plumb(['device', 'provision', called, '--out', at(`${name}.json`), ...secret]);
  await captureMore(site, name, files);
  return String(dataset);
}

/** More files of a dataset that is there already, until all is final. */
export async function captureMore(
  { plumb, at }: ConsoleUnderTest,
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  await mkdir(at(`source-${name}`), { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(at(`source-${name}`, file), content);
  const run = ['--source', `dir:${at(`source-${name}`)}`, '--provision', at(`${name}.json`), '--block-bytes', '1024B'];
  await plumb(['device', 'run', ...run, '--until-idle', '--every', '1s', '--settle', '500ms', '--poll', '500ms']);
}

/** A CSV of readings a minute apart. */
export function readingsCsv(lines: number): string {
  const minute = (i: number) => new Date(Date.UTC(2026, 10, 25, 0, i)).toISOString();
  const rows = Array.from({ length: lines }, (_, i) => `${minute(i)},${(3 + Math.sin(i / 20)).toFixed(3)}`);
  return `time,pressure\n${rows.join('\n')}\n`;
}

/** Changes a byte in the middle of the largest stored object, or of a dataset's largest, past everything that guards it. */
export async function damageStored({ at }: ConsoleUnderTest, dataset = ''): Promise<void> {
  const paths = await readdir(at('stack', 'objects'), { recursive: true, withFileTypes: true });
  let largest = { path: '', bytes: new Uint8Array() as Uint8Array };
  for (const entry of paths.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if (!path.includes(dataset.replace(/^0x/, ''))) continue;
    const bytes = await readFile(path);
    if (bytes.length > largest.bytes.length) largest = { path, bytes };
  }
  const middle = Math.floor(largest.bytes.length / 2);
  largest.bytes[middle] = (largest.bytes[middle] ?? 0) ^ 1;
  await writeFile(largest.path, largest.bytes);
}
