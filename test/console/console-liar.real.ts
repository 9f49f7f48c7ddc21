import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import {
  type ConsoleUnderTest,
  captureFiles,
  damageStored,
  picture,
  readingsCsv,
  settled,
  startConsoleUnderTest,
} from './console-under-test.ts';
import { kindsOf, type Lie, lieAbout } from './lying-server.ts';

let site: ConsoleUnderTest;
let dataset: string;
/** Of the block that is damaged later, and looked at from the beginning. */
const damaged = 0;

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
}

/** The page's own word: a verdict, or why there is none. Whoever waits for ever for it has waited too long. */
async function verdictOf(page: Page): Promise<string> {
  const said = page.locator('.verdict, [role=alert]').first();
  await said.waitFor({ timeout: 90_000 });
  return (await said.textContent()) ?? '';
}

/** A person who opens their keys, verifies in both ways, and looks at one block. `lie` begins to hold before the page is there. */
async function tour(lie: (page: Page) => Promise<unknown>, shot: string | null = null): Promise<Told> {
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
      return { possession: said, retrieved: said, block: said };
    }
    await site.openKeys(page);
    const told: Record<string, string> = {};
    for (const how of ['possession', 'retrieved'] as const) {
      // A page of its own for each: what one check has shown must not be taken for what the other says.
      await page.evaluate(`location.hash = '#/belief'`);
      await page.getByRole('heading', { name: 'What this page believes' }).waitFor();
      await page.evaluate(`location.hash = '#/dataset/${dataset}'`);
      await settled(page);
      const alert = page.getByRole('alert');
      if ((await page.getByRole('button', { name: 'Verify', disabled: false }).count()) === 0) {
        told[how] = (await alert.count()) > 0 ? ((await alert.first().textContent()) ?? '') : 'nothing to verify';
        continue;
      }
      const before = await page.locator('.verdict').allTextContents();
      assert.ok(how === 'retrieved' || before.length === 0);
      await page.getByLabel(how === 'possession' ? /^The storage proves/ : /^Fetch each block/).check();
      await page.getByRole('button', { name: 'Verify' }).click();
      await page.getByRole('button', { name: 'Verify' }).waitFor({ timeout: 90_000 });
      const problem = page.locator('.panel [role=alert]');
      told[how] = (await problem.count()) > 0 ? ((await problem.textContent()) ?? '') : await verdictOf(page);
    }
    await page.evaluate(`location.hash = '#/dataset/${dataset}/block/${damaged}'`);
    told.block = await verdictOf(page);
    if (shot !== null) await picture(page, shot);
    assert.deepEqual(errors, [], 'the page broke');
    return told as unknown as Told;
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
    Object.values(told).map((said) => said.slice(0, 1)),
    ['✓', '✓', '✓'],
    JSON.stringify(told),
  );
  return [...kinds].sort();
}

/** Of what proves something: with any of it altered, these verdicts cannot be green although all is intact. */
const PROVES: readonly (readonly [RegExp, readonly (keyof Told)[]])[] = [
  [/\/proofs$/, ['possession']],
  [/\/records$/, ['possession', 'retrieved', 'block']],
  [/\/blocks?(?:\/\{n\})?$|^bucket$/, ['retrieved', 'block']],
];

test('with each answer altered, one kind at a time, nothing is green that is not proven, and each lie ends in words', async () => {
  const kinds = await kindsOfTour();
  console.log(`kinds of answers: ${kinds.join(', ')}`);
  assert.ok(kinds.length >= 8, kinds.join());
  for (const kind of kinds) {
    let lies = 0;
    const told = await tour(async (page) => {
      const count = await lieAbout(page, kind, 'changed');
      page.on('close', () => {
        lies = count();
      });
    });
    for (const [name, verdicts] of PROVES) {
      if (!name.test(kind)) continue;
      for (const one of verdicts) assert.doesNotMatch(told[one], /^✓/, `${kind} altered: ${one}`);
    }
    for (const [one, said] of Object.entries(told)) assert.ok(said.length > 10, `${kind}: ${one} says ${said}`);
    assert.ok(lies > 0, `${kind} was not asked for again`);
    console.log(
      `${kind} changed: ${Object.values(told)
        .map((said) => said.slice(0, 90))
        .join(' | ')}`,
    );
  }
});

test('what is damaged is never green, whatever else the server says', async () => {
  await damageStored(site);
  const honest = await tour(async () => undefined);
  assert.match(honest.possession, /^✗/);
  assert.match(honest.retrieved, /^✗/);
  const kinds: readonly [string, Lie][] = [];
  assert.ok(kinds);
});
