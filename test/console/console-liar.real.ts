import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import {
  type ConsoleUnderTest,
  captureFiles,
  captureMore,
  damageStored,
  drawn,
  goTo,
  picture,
  readingsCsv,
  settled,
  startConsoleUnderTest,
} from './console-under-test.ts';
import { LIES, type Lie, LyingServer } from './lying-server.ts';

/*
 * A server that lies in every answer: each kind of answer that the page reads is altered in each way, one at a time, while a person
 * does what asks for it. One page sees them all. Two datasets are damaged, so that nothing green is true; one is intact.
 */

/** Its name is what somebody would choose who wants a page to take it for more than a name. */
const NAME = '<img data-lie src=x>';
let site: ConsoleUnderTest;
/** Intact and recorded by itself; damaged and recorded by itself; damaged and in rounds. */
const ids = { pump: '', valve: '', well: '' };

before(async () => {
  site = await startConsoleUnderTest();
  ids.pump = await captureFiles(site, 'pump', { 'pump.csv': readingsCsv(120) });
  ids.valve = await captureFiles(site, 'valve', { 'valve.csv': readingsCsv(120) });
  ids.well = await captureFiles(site, 'well', { 'well.csv': readingsCsv(120) }, ['--anchor', 'round'], NAME);
  for (const dataset of [ids.valve, ids.well]) await damageStored(site, dataset);
  await site.plumb(['local', 'admit', site.account, '--fund-only']);
  const terms = ['--price', '0.0031ether', '--fee', '0.0001ether', '--bond', '0.005ether', '--stake', '1gwei'];
  const times = ['--window', '60s', '--duration', '1h', '--password-file', site.at('password')];
  await site.plumb(['owner', 'offer', 'pump', '--blocks', '0-1', ...terms, ...times]);
  await site.plumb([
    'owner',
    'auditor',
    'valve',
    '--out',
    site.at('auditor.json'),
    '--password-file',
    site.at('password'),
  ]);
});

after(() => site?.end());

/** What a person does, to its end. @returns what the page then says of it, empty where it has nothing to say */
type Act = (page: Page) => Promise<string>;

const saidBy = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).allTextContents()).map((one) => one.trim()).join(' | ');
const PROBLEMS = '.problem p, .panel [role=alert]';

/** Goes there anew, as somebody who comes back after a while. */
async function view(page: Page, where: string): Promise<void> {
  await page.clock.fastForward(11_000);
  if ((await page.evaluate('location.hash')) === `#/${where}`) await goTo(page, 'belief');
  await goTo(page, where);
}

async function begin(page: Page, dataset: string, button: RegExp, how?: RegExp): Promise<void> {
  const to = `#/dataset/${dataset}`;
  const there = page.getByRole('button', { name: button });
  if ((await page.evaluate('location.hash')) !== to || (await there.count()) === 0) await view(page, to.slice(2));
  if (how !== undefined) await page.getByRole('radio', { name: how }).check();
  await there.click();
  await drawn(page);
}

const checks =
  (dataset: () => string, how?: RegExp): Act =>
  async (page) => {
    await begin(page, dataset(), /^Verify$/, how);
    await page.locator('.panel button.primary[aria-disabled=false]').waitFor({ timeout: 30_000 });
    const problem = await saidBy(page, PROBLEMS);
    return problem === '' ? saidBy(page, '.verdict, .result .bad, .damage li') : problem;
  };
const QUICK = /The storage proves/;
const THOROUGH = /Fetch each block/;

const looks =
  (where: () => string, selector: string): Act =>
  async (page) => {
    await view(page, where());
    return saidBy(page, `${PROBLEMS}, main .note, ${selector}`);
  };

const reads: Act = async (page) => {
  await begin(page, ids.valve, /^Read the newest/);
  await page.locator('.actions button[aria-disabled=false]').first().waitFor({ timeout: 30_000 });
  const problem = await saidBy(page, PROBLEMS);
  return problem === '' ? saidBy(page, '#contents-title ~ p') : problem;
};

/** Where all is intact, and any of these answers is altered, no verdict is green: else it would not rest on the answer. */
const INTACT: Readonly<Record<string, Act>> = {
  'quick check of what is intact': checks(() => ids.pump, QUICK),
  'thorough check of what is intact': checks(() => ids.pump, THOROUGH),
  'an intact block': looks(() => `dataset/${ids.pump}/block/1`, '.verdict'),
};

/** Where everything is damaged, nothing is green under any lie. */
const DAMAGED: Readonly<Record<string, Act>> = {
  overview: looks(() => '', '.mark'),
  'the dataset': looks(() => `dataset/${ids.valve}`, 'main .bad'),
  'the dataset in rounds': looks(() => `dataset/${ids.well}`, 'main .bad'),
  'quick check': checks(() => ids.valve, QUICK),
  'thorough check': checks(() => ids.valve, THOROUGH),
  'thorough check in rounds': checks(() => ids.well, THOROUGH),
  'the damaged block': looks(() => `dataset/${ids.valve}/block/${damagedBlock}`, '.verdict, main > .bad'),
  readings: reads,
  rounds: looks(() => 'rounds', '.doubt'),
  agreements: looks(() => 'agreements', '.doubt'),
};
let damagedBlock = 0;

/** The same act on another dataset: its answers are the lie. */
const TWINS: Readonly<Record<string, string>> = {
  'quick check of what is intact': 'quick check',
  'thorough check of what is intact': 'thorough check',
  'an intact block': 'the damaged block',
  'the dataset': 'the dataset in rounds',
  'the dataset in rounds': 'the dataset',
  'quick check': 'quick check of what is intact',
  'thorough check': 'thorough check of what is intact',
  'thorough check in rounds': 'thorough check',
  'the damaged block': 'an intact block',
};

/** Which kinds of answers each act asks for, as the true server gives them. */
const kindsOf = new Map<string, string[]>();
let lies = 0;

async function actTruly(
  server: LyingServer,
  page: Page,
  name: string,
  act: Act,
  keepAs: string | null,
): Promise<string> {
  server.keepAs = keepAs;
  server.begin(null);
  const said = await act(page);
  server.keepAs = null;
  const kinds = kindsOf.get(name) ?? [];
  kindsOf.set(name, [...new Set([...kinds, ...server.asked])].sort());
  return said;
}

/** Runs an act under a lie. @returns what the page says; null where this lie cannot be told, or nobody asked */
async function actUnder(
  server: LyingServer,
  page: Page,
  name: string,
  act: Act,
  kind: string,
  how: Lie,
): Promise<string | null> {
  const instead = how === 'older' ? `${name}, earlier` : (TWINS[name] ?? '');
  if ((how === 'older' || how === "another's") && !server.hasKept(instead, kind)) return null;
  server.begin({ kind, how }, instead);
  const said = how === 'silent' ? await waitThrough(page, act) : await act(page);
  const { told } = server;
  await server.stop();
  if (told === 0) return null;
  lies += 1;
  await keepsItsForm(page, `${name}, ${kind} ${how}`);
  // What is not an answer at all ends in a sentence that says whose it is.
  if (!/^flipped|older|another/.test(how)) {
    assert.match(said, NAMED, `${name}, ${kind} ${how}: ${said}`);
  }
  assert.doesNotMatch(said, /This page failed|undefined|NaN|\[object/, `${name}, ${kind} ${how}`);
  return said;
}

const NAMED = /\b(?:server|service|node|storage|bucket|chain)\b/i;

/** Nothing of the server's is part of the page, and none of it is shown as one writes it. */
async function keepsItsForm(page: Page, under: string): Promise<void> {
  const [tags, isOwned, text] = (await page.evaluate(
    "[document.querySelectorAll('[data-lie], iframe, main script').length, 'owned' in window, document.body.innerText]",
  )) as [number, boolean, string];
  assert.equal(tags, 0, under);
  assert.equal(isOwned, false, under);
  assert.doesNotMatch(text, /<h1|<script|<!doctype|onerror/i, under);
}

/** A server that never answers: the page says for how long, and stops waiting when it is told to. */
async function waitThrough(page: Page, act: Act): Promise<string> {
  const acting = act(page);
  const waits = page.locator('.busy:not([hidden]), .progress').filter({ hasText: 'The server has taken' }).first();
  // Its clock, not ours: nobody here waits.
  for (let turns = 0; (await waits.count()) === 0; turns++) {
    assert.ok(turns < 100, 'the page waits without a word');
    await page.clock.fastForward(2_000);
    await drawn(page);
  }
  const said = (await waits.textContent()) ?? '';
  await waits.getByRole('button', { name: 'Stop' }).click();
  await acting;
  return said;
}

async function openOwner(page: Page): Promise<LyingServer> {
  await page.clock.install();
  const server = await LyingServer.before(page);
  await page.reload();
  await site.openKeys(page);
  await settled(page);
  return server;
}

test('one page, one lie after the other: nothing is green that is not true, each failure is a sentence, no markup of the server is shown', async () => {
  await site.open({}, async (page) => {
    const server = await openOwner(page);
    // What it answers of a shorter log is the lie of later.
    for (const [name, act] of Object.entries({ ...INTACT, ...DAMAGED })) {
      if (name === 'the damaged block') {
        const href = await page.locator('.damage a').first().getAttribute('href');
        damagedBlock = Number(href?.split('/').at(-1));
      }
      const said = await actTruly(server, page, name, act, `${name}, earlier`);
      if (name in INTACT) assert.match(said, /^✓/, name);
      else assert.doesNotMatch(said, /✓/, name);
    }
    await captureMore(site, 'pump', { 'pump-2.csv': readingsCsv(30) });
    await captureMore(site, 'valve', { 'valve-2.csv': readingsCsv(30) });
    await captureMore(site, 'well', { 'well-2.csv': readingsCsv(30) });
    for (const [name, act] of Object.entries({ ...INTACT, ...DAMAGED })) await actTruly(server, page, name, act, name);

    for (const [name, act] of Object.entries(INTACT)) {
      for (const kind of kindsOf.get(name) ?? []) {
        for (const how of LIES.filter((one) => /^flipped|another/.test(one))) {
          const said = await actUnder(server, page, name, act, kind, how);
          if (said !== null) console.log(`${name} | ${kind} | ${how} | ${said.slice(0, 160)}`);
        }
      }
      console.log(`${name}: ${await actTruly(server, page, name, act, null)}`);
    }
    for (const [name, act] of Object.entries(DAMAGED)) {
      for (const kind of kindsOf.get(name) ?? []) {
        for (const how of LIES) {
          const said = await actUnder(server, page, name, act, kind, how);
          if (said === null) continue;
          console.log(`${name} | ${kind} | ${how} | ${said.slice(0, 160)}`);
          assert.doesNotMatch(said, /✓/, `${name}, ${kind} ${how}`);
          assert.equal(await page.locator('.verdict.good, .mark.good').count(), 0, `${name}, ${kind} ${how}`);
        }
      }
      console.log(`${name}: ${await actTruly(server, page, name, act, null)}`);
    }
    await picture(page, 'liar');
  });
  console.log(`${lies} lies`);
});
