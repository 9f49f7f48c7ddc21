import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import {
  brokenWords,
  type ConsoleUnderTest,
  captureFiles,
  captureMore,
  damageStored,
  drawn,
  picture,
  readingsCsv,
  settled,
  startConsoleUnderTest,
} from './console-under-test.ts';
import { FALSE_ANSWERS, type Lie, LyingServer, NO_ANSWERS } from './lying-server.ts';

/*
 * A server that lies in every answer: each kind of answer that the page reads is altered in each way, one at a time, while a person
 * does what asks for it. One page sees them all. One dataset is intact, two are damaged: of these nothing green is true.
 */

/** Chosen by somebody who wants a page to take it for more than a name. */
const NAME = '<img data-lie src=x>';
let site: ConsoleUnderTest;
/** Intact and recorded by itself; damaged and recorded by itself; damaged and in rounds. */
const ids = { pump: '', valve: '', well: '' };

before(async () => {
  site = await startConsoleUnderTest();
  const secret = ['--password-file', site.at('password')];
  ids.pump = await captureFiles(site, 'pump', { 'pump.csv': readingsCsv(120) });
  ids.valve = await captureFiles(site, 'valve', { 'valve.csv': readingsCsv(120) });
  ids.well = await captureFiles(site, 'well', { 'well.csv': readingsCsv(120) }, ['--anchor', 'round'], NAME);
  for (const dataset of [ids.valve, ids.well]) await damageStored(site, dataset);
  await site.plumb(['local', 'admit', site.account, '--fund-only']);
  const terms = ['--price', '0.0031ether', '--fee', '0.0001ether', '--bond', '0.005ether', '--stake', '1gwei'];
  const times = ['--window', '60s', '--duration', '1h'];
  await site.plumb(['owner', 'offer', 'pump', '--blocks', '0-1', ...terms, ...times, ...secret]);
  await site.plumb(['owner', 'auditor', 'valve', '--out', site.at('auditor.json'), ...secret]);
});

after(() => site?.end());

/** What is done in the page by a script, in one message: by hands it is done in the other tests. Each ends when the page has. */
const HANDS = `
  const frames = async () => {
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
  };
  const until = async (isSo) => {
    while (!isSo()) await frames();
  };
  const goTo = async (hash) => {
    if (location.hash !== hash) {
      const heard = new Promise((done) => addEventListener('hashchange', () => setTimeout(done), { once: true }));
      location.hash = hash;
      await heard;
    }
    await frames();
    await until(() => document.querySelector('.busy').hidden);
  };
  const press = async (name) => {
    const button = [...document.querySelectorAll('button')].find(({ textContent }) => textContent.startsWith(name));
    button.click();
    // That it has begun is drawn with one of the next frames.
    for (let turns = 0; turns < 10 && button.ariaDisabled !== 'true'; turns++) await frames();
    await until(() => button.ariaDisabled === 'false');
  };
  window.hands = {
    async look(hash) {
      await goTo('#/belief');
      await goTo(hash);
    },
    async check(hash, how) {
      if (location.hash !== hash) await goTo(hash);
      await until(() => document.querySelector('.panel button.primary') !== null);
      // An auditor has one way alone.
      document.querySelector('input[value=' + how + ']')?.click();
      await frames();
      await press('Verify');
    },
    async again() {
      [...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Try again').click();
      await frames();
      await until(() => document.querySelector('.busy').hidden);
    },
    async read(hash) {
      if (location.hash !== hash) await goTo(hash);
      await press('Read the newest');
    },
  };
`;

/** Something that a person does, and where the page says what came of it. */
interface Act {
  readonly does: string;
  readonly says: string;
  /** Where it says that nothing came of it. */
  readonly fails: string;
}
const VERDICT = '.verdict, .result .bad, .damage li';
const check = (dataset: string, how: 'possession' | 'retrieved'): Act => {
  return { does: `hands.check('#/dataset/${dataset}', '${how}')`, says: VERDICT, fails: '.panel [role=alert]' };
};
const look = (where: string, says: string): Act => ({
  ...{ does: `hands.look('#/${where}')`, says, fails: '.problem p' },
});

/** What the page says, and that nothing in it is the server's. */
interface Seen {
  readonly said: string;
  readonly greens: number;
}

async function see(page: Page, { says, fails }: Act, under: string): Promise<Seen> {
  const [problem, words, greens, tags, isOwned, text] = (await page.evaluate(`(() => {
    const textOf = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent.trim()).join(' | ');
    const marks = [...document.querySelectorAll('a.line')].filter((one) => !one.textContent.startsWith('pump'));
    return [
      textOf(${JSON.stringify(fails)}),
      textOf(${JSON.stringify(says)}),
      document.querySelectorAll('.verdict.good').length + marks.flatMap((one) => [...one.querySelectorAll('.good')]).length,
      document.querySelectorAll('[data-lie], iframe, main script').length,
      'owned' in window,
      document.body.innerText,
    ];
  })()`)) as [string, string, number, number, boolean, string];
  assert.equal(tags, 0, `${under}: an element of the server's`);
  assert.equal(isOwned, false, `${under}: a script of the server's has run`);
  assert.doesNotMatch(text, /<h1|<script|<!doctype|onerror|✓ All blocks are intact/i, under);
  assert.doesNotMatch(text, /This page failed|NaN|\[object/, under);
  return { said: problem === '' ? words : problem, greens };
}

/** Which kinds of answers each act asks for, as the true server gives them. */
const kindsOf = new Map<string, ReadonlySet<string>>();
const told: string[] = [];

async function actTruly(server: LyingServer, page: Page, name: string, act: Act, keepAs: string | null): Promise<Seen> {
  server.keepAs = keepAs;
  server.begin(null);
  await page.evaluate(act.does);
  server.keepAs = null;
  kindsOf.set(name, new Set([...(kindsOf.get(name) ?? []), ...server.asked]));
  return see(page, act, name);
}

/** Does something while one kind of answer is a lie. @returns null where this lie cannot be told, or nobody asked */
async function actUnder(
  server: LyingServer,
  page: Page,
  { act, kind, how, instead }: { act: Act; kind: string; how: Lie; instead: string },
): Promise<Seen | null> {
  const isKept = how === 'older' || how === "another's";
  if (isKept && !server.hasKept(instead, kind)) return null;
  // What was asked for just now is asked for again after a while only: for the page that while is over.
  await page.clock.fastForward(11_000);
  server.begin({ kind, how }, instead);
  const waited =
    how === 'silent' ? await waitThrough(server, page, act) : await page.evaluate(act.does).then(() => null);
  const count = server.told;
  await server.stop();
  if (count === 0) return null;
  const seen = await see(page, act, `${kind} ${how}`);
  told.push(`${kind} ${how}`);
  return waited === null ? seen : { ...seen, said: waited };
}

/** A server that never answers: the page says for how long, and stops waiting when it is told to. */
async function waitThrough(server: LyingServer, page: Page, act: Act): Promise<string> {
  let isOver = false;
  const acting = page.evaluate(act.does).finally(() => {
    isOver = true;
  });
  while (server.told === 0 && !isOver) await drawn(page);
  // Its clock, not ours: nobody here waits.
  for (let turns = 0; turns < 200 && !isOver; turns++) {
    await page.clock.fastForward(2_000);
    const said = (await page.evaluate(`new Promise((done) => requestAnimationFrame(() => {
      const waits = [...document.querySelectorAll('.busy:not([hidden]), .progress')];
      const one = waits.find(({ textContent }) => textContent.includes('The server has taken'));
      one?.querySelector('button').click();
      done(one?.textContent ?? '');
    }))`)) as string;
    if (said === '') continue;
    await acting;
    return said;
  }
  assert.ok(server.told === 0, 'the page waits without a word');
  return '';
}

/** What is not an answer at all ends in a sentence that says whose it was. */
const NAMED = /\b(?:server|service|node|storage|bucket|chain|contract|stored)\b/i;

/** A page behind a server that may lie, whose clock is ours. */
async function openLiar(page: Page): Promise<LyingServer> {
  await page.clock.install();
  await page.addInitScript(HANDS);
  const server = await LyingServer.before(page);
  await page.reload();
  return server;
}

async function openOwner(page: Page): Promise<LyingServer> {
  const server = await openLiar(page);
  await site.openKeys(page);
  await settled(page);
  return server;
}

test('one lie after the other: nothing is green that is not true, what is no answer is said in a sentence, no markup of the server is shown', () =>
  site.open({}, async (page) => {
    const server = await openOwner(page);
    const { pump, valve, well } = ids;
    const intact: Readonly<Record<string, Act>> = {
      'quick check': check(pump, 'possession'),
      'thorough check': check(pump, 'retrieved'),
      // The newest: no earlier head of the log, which stays true, has it too.
      block: look(`dataset/${pump}/block/4`, '.verdict'),
    };
    const damaged: Readonly<Record<string, Act>> = {
      'quick check': check(valve, 'possession'),
      'thorough check': check(valve, 'retrieved'),
      'thorough check in rounds': check(well, 'retrieved'),
      block: look(`dataset/${valve}/block/1`, '.verdict, main > .bad'),
    };
    const views: Readonly<Record<string, Act>> = {
      list: look('', '.mark'),
      dataset: look(`dataset/${well}`, 'main .note, main > .bad'),
      readings: { does: `hands.read('#/dataset/${valve}')`, says: '#contents-title ~ p', fails: '.panel [role=alert]' },
      rounds: look('rounds', 'main p'),
      agreements: look('agreements', 'main p'),
    };
    const every = [
      ...Object.entries(intact).map(([name, act]) => [`${name}, intact`, act] as const),
      ...Object.entries(damaged),
      ...Object.entries(views),
    ];
    // What is true of a shorter log is the lie of later.
    for (const [name, act] of every.filter(([name]) => name !== 'block, intact')) {
      await actTruly(server, page, name, act, `${name}, earlier`);
    }
    for (const name of ['pump', 'valve', 'well']) await captureMore(site, name, { 'more.csv': readingsCsv(30) });
    for (const [name, act] of every) {
      const { said, greens } = await actTruly(server, page, name, act, name);
      if (name.endsWith('intact')) assert.match(said, /^✓/, name);
      else assert.equal(greens, 0, name);
      if (name in damaged) assert.match(said, /^✗/, name);
    }

    const began = performance.now();
    // Of what is intact, a verdict is green only where the answers that prove it are the true ones.
    for (const [name, act] of Object.entries(intact)) {
      await actTruly(server, page, name, act, null);
      for (const kind of [...(kindsOf.get(`${name}, intact`) ?? [])].filter((one) => PROVES.test(one))) {
        for (const how of FALSE_ANSWERS.filter((one) => one !== 'older')) {
          const seen = await actUnder(server, page, { act, kind, how, instead: name });
          if (seen !== null) assert.equal(seen.greens, 0, `${name}, ${kind} ${how}: ${seen.said}`);
        }
      }
      assert.match((await actTruly(server, page, name, act, null)).said, /^✓/, `${name}, after all lies`);
    }
    // Of what is damaged none is, whichever answer is not the true one.
    for (const [name, act] of Object.entries(damaged)) {
      await actTruly(server, page, name, act, null);
      const kinds = [...(kindsOf.get(name) ?? [])];
      for (const kind of name.startsWith('thorough') ? kinds : kinds.filter((one) => PROVES.test(one))) {
        for (const how of FALSE_ANSWERS.filter((one) => PROVES.test(kind) || one !== 'changed at 35 %')) {
          const instead = how === 'older' ? `${name}, earlier` : `${name}, intact`;
          const seen = await actUnder(server, page, { act, kind, how, instead });
          if (seen !== null) assert.equal(seen.greens, 0, `${name}, ${kind} ${how}: ${seen.said}`);
        }
      }
      assert.match((await actTruly(server, page, name, act, null)).said, /^✗/, `${name}, after all lies`);
    }
    // What is no answer: each kind once, where it is asked for first.
    const done = new Set<string>();
    for (const [name, act] of Object.entries({ ...damaged, ...views })) {
      await actTruly(server, page, name, act, null);
      for (const kind of kindsOf.get(name) ?? []) {
        // The list asks rounds and service behind its own end; the dataset waits for them.
        if (done.has(kind) || (name === 'list' && kind.startsWith('/v1/'))) continue;
        // All of them once for chain and service; for their other answers some, in turn, as one piece of code reads them.
        const part = kind.startsWith('/v1/') ? 'service' : 'chain';
        const lies = done.has(part) ? NO_ANSWERS.filter((_, i) => i % 3 === done.size % 3) : NO_ANSWERS;
        done.add(part).add(kind);
        for (const how of lies) {
          const seen = await actUnder(server, page, { act, kind, how, instead: '' });
          if (seen === null) continue;
          assert.equal(seen.greens, 0, `${name}, ${kind} ${how}: ${seen.said}`);
          assert.match(seen.said, NAMED, `${name}, ${kind} ${how}`);
        }
      }
    }
    console.log(`${told.length} lies in ${Math.round(performance.now() - began)} ms`);
    for (const kind of KINDS)
      assert.ok(
        [...done].some((one) => kind.test(one)),
        `nobody asked for ${kind}`,
      );
    await picture(page, 'liar');
  }));

/** What is altered at the least: heads, charters and records of the chain, its blocks and transactions, and each part of the service. */
const KINDS = [
  ...[/^call 0x6efd1ca3$/, /^call 0xa4df7e93$/, /^logs 0xcedec47e$/, /^logs 0x98f419fc$/, /^logs 0x24bd7edc$/],
  ...[
    /^eth_getBlockByNumber$/,
    /\/records$/,
    /\/proofs$/,
    /\/blocks\/\{n\}$/,
    /\/segments\/\{n\}$/,
    /\/batches$/,
    /\/anchor$/,
    /^object$/,
  ],
];

/** Without these answers as they are nothing is proven: proofs, records and blocks of the storage, and the heads that DISSC has. */
const PROVES = /\/(?:proofs|records|blocks\/\{n\})$|^call 0x6efd1ca3$/;

test('where the chain is, and which: a lie about it is said, and the truth afterwards is taken', () =>
  site.open({}, async (page) => {
    const server = await openLiar(page);
    const again: Act = { does: 'hands.again()', says: 'main p', fails: '.problem p' };
    for (const kind of ['place', 'eth_chainId']) {
      server.begin({ kind, how: 'failed' });
      await page.reload();
      await page.getByRole('alert').waitFor();
      for (const how of NO_ANSWERS) {
        const seen = await actUnder(server, page, { act: again, kind, how, instead: '' });
        assert.match(seen?.said ?? '', NAMED, `${kind} ${how}`);
      }
      if (kind === 'eth_chainId') {
        const seen = await actUnder(server, page, { act: again, kind, how: 'changed at 80 %', instead: '' });
        assert.match(seen?.said ?? '', /is on chain \d+, not on 31337/);
      }
      await page.evaluate(again.does);
      await page.getByRole('link', { name: /^pump/ }).waitFor();
    }
    for (const how of ['changed at 35 %', 'changed at 80 %'] as const) {
      server.begin({ kind: 'place', how });
      await page.reload();
      await settled(page);
      const { said } = await see(page, again, `place ${how}`);
      if (said !== '') assert.match(said, NAMED, `place ${how}`);
    }
  }));

test('an auditor reads the bucket: what the bucket says is believed no more', () =>
  site.open({}, async (page) => {
    const server = await openLiar(page);
    await page.getByRole('link', { name: 'Open my keys' }).first().click();
    await page.getByLabel('Key files').setInputFiles([site.at('auditor.json'), site.stack.stackFile]);
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await page.getByText('Auditor', { exact: true }).waitFor();
    const act = check(ids.valve, 'retrieved');
    assert.match((await actTruly(server, page, 'auditor', act, null)).said, /^✗ 1 block/);
    const kinds = [...(kindsOf.get('auditor') ?? [])].filter((kind) => kind === 'listing' || kind === 'object');
    assert.deepEqual(kinds.sort(), ['listing', 'object']);
    for (const kind of kinds) {
      for (const how of [...FALSE_ANSWERS, ...NO_ANSWERS]) {
        const seen = await actUnder(server, page, { act, kind, how, instead: '' });
        if (seen === null) continue;
        assert.equal(seen.greens, 0, `${kind} ${how}: ${seen.said}`);
        assert.match(seen.said, NAMED, `${kind} ${how}`);
      }
    }
    assert.match((await actTruly(server, page, 'auditor', act, null)).said, /^✗ 1 block/);
  }));

test('a slow server: what the page waits for is said, one can go elsewhere or stop meanwhile, and what comes late is shown', () =>
  site.open({}, async (page) => {
    const server = await openLiar(page);
    server.hold();
    await page.reload();
    const busy = page.locator('.busy:not([hidden])');
    await busy.getByText('Reading where this server keeps its chain').waitFor();
    await page.clock.fastForward(5_000);
    await busy.getByText(/The server has taken \d seconds so far/).waitFor();
    await page.getByRole('link', { name: 'Rounds' }).click();
    await page.getByRole('heading', { name: 'Rounds' }).waitFor();
    assert.deepEqual(await brokenWords(page, '.busy'), []);
    await picture(page, 'slow');
    await busy.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped before everything was read.').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await busy.getByText('Reading where this server keeps its chain').waitFor();
    server.release();
    await page.getByRole('link', { name: /^pump/ }).waitFor();
  }));
