import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import {
  type ConsoleUnderTest,
  captureFiles,
  damageStored,
  goTo,
  picture,
  readingsCsv,
  settled,
  startConsoleUnderTest,
} from './console-under-test.ts';
import { kindsOf, type Lie, lieAbout } from './lying-server.ts';

let site: ConsoleUnderTest;
let dataset: string;
/** Of the block that is damaged later, and looked at from the beginning. */
let damaged = 0;

before(async () => {
  site = await startConsoleUnderTest();
  dataset = await captureFiles(site, 'pump', { 'pump.csv': readingsCsv(400) });
});

after(() => site?.end());

/** What the page says in the end: of a check by possession, of one of every byte, and of one block. */
interface Told {
  readonly possession: string;
  readonly retrieved: string;
  readonly block: string;
  /** Of a check of every byte; 0 where nothing was found. */
  readonly firstDamaged: number;
}

/** The page's own word: a verdict, or why there is none. Whoever waits for ever for it has waited too long. */
async function verdictOf(page: Page): Promise<string> {
  const said = page.locator('.verdict, [role=alert]').first();
  await said.waitFor({ timeout: 90_000 });
  return (await said.textContent()) ?? '';
}

/** A person who opens their keys, verifies in both ways, and looks at one block. `lie` begins to hold before the page is there. */
async function tour(lie: (page: Page) => Promise<unknown>): Promise<Told> {
  const context = await site.browser.newContext();
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  try {
    await lie(page);
    await page.goto(site.url);
    await settled(page);
    const noPlace = page.getByRole('alert');
    if ((await noPlace.count()) > 0 && (await page.locator('footer code').count()) === 0) {
      const said = (await noPlace.textContent()) ?? '';
      return { possession: said, retrieved: said, block: said, firstDamaged: 0 };
    }
    await site.openKeys(page);
    const told = { possession: '', retrieved: '', block: '', firstDamaged: 0 };
    for (const how of ['possession', 'retrieved'] as const) {
      // A view of its own for each: what one check has shown must not be taken for what the other says.
      await goTo(page, 'belief');
      await goTo(page, `dataset/${dataset}`);
      const alert = page.getByRole('alert');
      if ((await page.getByRole('button', { name: 'Verify', disabled: false }).count()) === 0) {
        told[how] = (await alert.count()) > 0 ? ((await alert.first().textContent()) ?? '') : 'nothing to verify';
        continue;
      }
      await page.getByRole('radio', { name: how === 'possession' ? /The storage proves/ : /Fetch each block/ }).check();
      await page.getByRole('button', { name: 'Verify' }).click();
      await page.getByRole('button', { name: 'Verify' }).waitFor({ timeout: 90_000 });
      const problem = page.locator('.panel [role=alert]');
      told[how] = (await problem.count()) > 0 ? ((await problem.textContent()) ?? '') : await verdictOf(page);
    }
    const places = page.locator('.damage a');
    const href = (await places.count()) === 0 ? null : await places.first().getAttribute('href');
    told.firstDamaged = Number(href?.split('/').at(-1) ?? 0);
    await page.evaluate(`location.hash = '#/dataset/${dataset}/block/${damaged}'`);
    told.block = await verdictOf(page);
    assert.deepEqual(errors, [], 'the page broke');
    return told;
  } finally {
    await context.close();
  }
}

/** Everything that an honest tour asks for. */
async function kindsOfTour(): Promise<string[]> {
  const kinds = new Set<string>();
  const told = await tour(async (page) => {
    page.on('request', (request) => {
      for (const kind of kindsOf(request)) kinds.add(kind);
    });
  });
  assert.deepEqual(
    [told.possession, told.retrieved, told.block].map((said) => said.slice(0, 1)),
    ['✓', '✓', '✓'],
    JSON.stringify(told),
  );
  return [...kinds].sort();
}

/** Of what proves something: with any of it altered, these verdicts cannot be green although all is intact. */
const PROVES: readonly (readonly [RegExp, readonly ('possession' | 'retrieved' | 'block')[]])[] = [
  [/\/proofs$/, ['possession']],
  [/\/records$/, ['possession', 'retrieved', 'block']],
  [/\/blocks?(?:\/\{n\})?$|^bucket$/, ['retrieved', 'block']],
];

const provenBy = (kind: string) => PROVES.filter(([name]) => name.test(kind)).flatMap(([, verdicts]) => verdicts);

/** One kind of answer altered in one way; what the page makes of it. */
async function lied(kind: string, lie: Lie): Promise<Told> {
  let count = (): number => 0;
  const told = await tour(async (page) => {
    count = await lieAbout(page, kind, lie);
  });
  assert.ok(count() > 0, `${kind} was not asked for again`);
  const said = [told.possession, told.retrieved, told.block];
  for (const one of said) assert.ok(one.length > 10, `${kind} ${lie}: ${one}`);
  console.log(`${kind} ${lie}: ${said.map((one) => one.slice(0, 100)).join(' | ')}`);
  return told;
}

let kinds: readonly string[] = [];

test('what proves something, altered, proves nothing: intact data are not green by it, and the page says why', async () => {
  kinds = await kindsOfTour();
  console.log(`kinds of answers: ${kinds.join(', ')}`);
  const proving = kinds.filter((kind) => provenBy(kind).length > 0);
  assert.ok(proving.length >= 3, proving.join());
  for (const kind of proving) {
    for (const lie of ['changed', 'changed late'] as const) {
      const told = await lied(kind, lie);
      for (const one of provenBy(kind)) assert.doesNotMatch(told[one], /^✓/, `${kind} ${lie}: ${one}`);
    }
  }
});

const LIES: readonly Lie[] = ['changed', 'cut', 'empty', 'a page', 'refused', 'cut off', 'changed late'];

test('what is damaged is never green, whichever answer is altered besides, and each lie ends in words', async () => {
  await damageStored(site);
  const honest = await tour(async () => undefined);
  assert.match(honest.possession, /^✗ 1 block/);
  assert.match(honest.retrieved, /^✗ 1 block/);
  damaged = honest.firstDamaged;
  assert.match((await tour(async () => undefined)).block, /^✗ Not what was recorded/);
  for (const [i, kind] of kinds.entries()) {
    const lie = LIES[i % LIES.length] as Lie;
    const { possession, retrieved, block } = await lied(kind, lie);
    for (const said of [possession, retrieved, block]) assert.doesNotMatch(said, /^✓/, `${kind} ${lie}`);
  }
});

test('a slow server: what the page waits for is said, nothing freezes, and the wait can be ended', async () => {
  const context = await site.browser.newContext();
  const page = await context.newPage();
  await page.route(/\/console\/(?:chain|place)|\/v1\//, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, LATE_MS));
    await route.continue().catch(() => undefined);
  });
  await page.addInitScript(`
    window.longestMs = 0;
    let last = performance.now();
    const frame = (now) => { window.longestMs = Math.max(window.longestMs, now - last); last = now; requestAnimationFrame(frame); };
    requestAnimationFrame(frame);`);
  try {
    await page.goto(site.url);
    const busy = page.locator('.busy:not([hidden])');
    await busy.getByText('Reading where this server keeps its chain').waitFor();
    await busy.getByText(/The server has taken \d seconds so far/).waitFor();
    await page.getByRole('link', { name: 'Rounds' }).click();
    await page.getByRole('heading', { name: 'Rounds' }).waitFor({ timeout: 2_000 });
    await page.getByRole('link', { name: 'Overview' }).click();
    await busy.getByText('Reading datasets from the chain').waitFor({ timeout: 30_000 });
    await picture(page, 'slow');
    await busy.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped before everything was read.').waitFor({ timeout: 2_000 });
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('link', { name: /^pump/ }).waitFor({ timeout: 60_000 });
    console.log(
      `longest frame with answers ${LATE_MS} ms late: ${await page.evaluate('Math.round(window.longestMs)')} ms`,
    );
    await site.openKeys(page);
    await page.evaluate(`location.hash = '#/dataset/${dataset}'`);
    await page.getByRole('heading', { name: /^All \d+ blocks$/ }).waitFor({ timeout: 90_000 });
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('Reading the chain …', { exact: true }).waitFor();
    await page.locator('.progress').getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Verify' }).waitFor({ timeout: 2_000 });
  } finally {
    await context.close();
  }
});

const LATE_MS = 5_000;

test('a stack that goes away while one reads: what is shown stays, and each action says that nobody answers', () =>
  site.open({}, async (page) => {
    await site.openKeys(page);
    await page.evaluate(`location.hash = '#/dataset/${dataset}'`);
    await page.getByRole('heading', { name: /^All \d+ blocks$/ }).waitFor({ timeout: 60_000 });
    await site.stack.end('SIGTERM');
    await page.getByRole('button', { name: 'Verify' }).click();
    await page
      .getByRole('alert')
      .getByText(/does not answer|cannot be reached/)
      .first()
      .waitFor({ timeout: 120_000 });
    await page.getByRole('heading', { name: /^All \d+ blocks$/ }).waitFor();
    assert.equal(await page.getByText(/^✓ All/).count(), 0);
    await picture(page, 'gone-while-reading');
  }));
