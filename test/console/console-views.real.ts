import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { quickenKeystore } from '../cli/quicken-keystore.ts';
import { runPlumb, spawnPlumb } from '../cli/run-plumb.ts';
import { TestBroker } from '../device/mqtt-broker.ts';
import {
  brokenWords,
  type ConsoleUnderTest,
  captureFiles,
  damageStored,
  goTo,
  isNarrow,
  PASSWORD,
  picture,
  readingsCsv,
  startConsoleUnderTest,
} from './console-under-test.ts';
import { findBarriers } from './open-page.ts';

let site: ConsoleUnderTest;
/** Datasets by name. */
const ids = new Map<string, string>();

before(async () => {
  site = await startConsoleUnderTest();
  ids.set('pump', await captureFiles(site, 'pump', { 'pump.csv': readingsCsv(1_500) }));
  ids.set('valve', await captureFiles(site, 'valve', { 'valve.csv': readingsCsv(60) }, ['--anchor', 'round']));
  await site.plumb(['dataset', 'create', 'lake', '--kind', 'attached', ...secret()]);
  ids.set('plant', await captureTopics());
  await makeAgreements();
});

after(() => site?.end());

const secret = () => ['--password-file', site.at('password')];

/** Readings that come as messages of topics: a number each, and objects of several. */
async function captureTopics(): Promise<string> {
  const { dataset } = await site.plumb(['dataset', 'create', 'plant', ...secret()]);
  await site.plumb(['device', 'provision', 'plant', '--out', site.at('plant.json'), ...secret()]);
  const broker = new TestBroker();
  const port = await broker.listen();
  const source = ['--source', `mqtt:mqtt://127.0.0.1:${port}/plant/#`, '--every', '500ms', '--poll', '200ms'];
  const child = spawnPlumb(['device', 'run', '--provision', site.at('plant.json'), ...source, '--json'], site.env);
  const exited = once(child, 'exit');
  const final = Promise.withResolvers<void>();
  let said = '';
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    const { event, blocks = 0 } = JSON.parse(line) as { event: string; blocks?: number };
    said += line;
    if (event === 'final' && blocks >= 80) final.resolve();
  });
  child.once('exit', () => final.reject(new Error(`The device ended before all was final: ${said}`)));
  const timer = setTimeout(() => final.reject(new Error(`Not final: ${said}`)), 90_000);
  for (let i = 0; i < 40; i++) {
    broker.publish('plant/boiler/temperature', String(80 + Math.sin(i / 5)));
    broker.publish('plant/turbine', JSON.stringify({ rpm: 3_000 + i, load: 0.5 + i / 100 }));
  }
  await broker.drained();
  await final.promise.finally(() => clearTimeout(timer));
  child.kill('SIGINT');
  await exited;
  await broker.close();
  return String(dataset);
}

/** One offer that nobody has taken, one that is withdrawn, and one that runs. */
async function makeAgreements(): Promise<void> {
  await site.plumb(['local', 'admit', site.account, '--fund-only']);
  const offer = async (to: number): Promise<string> => {
    const terms = ['--price', '0.0031ether', '--fee', '0.0001ether', '--bond', '0.005ether', '--stake', '1gwei'];
    const times = ['--window', '60s', '--duration', '1h'];
    const { id } = await site.plumb(['owner', 'offer', 'pump', '--blocks', `0-${to}`, ...terms, ...times, ...secret()]);
    return String(id);
  };
  const [taken, withdrawn] = [await offer(9), await offer(14), await offer(19)];
  await site.plumb(['owner', 'cancel', String(withdrawn), ...secret()]);
  const env = { ...site.env, PLUMB_HOME: site.at('consumer') };
  const consumer = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { exitCode, stdout, stderr } = await runPlumb(['consumer', ...args, ...secret(), '--json'], env);
    assert.equal(exitCode, 0, stdout + stderr);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}');
  };
  const { account } = await consumer('init', '--mnemonic-out', site.at('consumer-mnemonic'));
  await quickenKeystore(site.at('consumer'), PASSWORD);
  await site.plumb(['local', 'admit', String(account), '--fund-only']);
  await consumer('accept', String(taken), '--yes');
}

test('offers and agreements are shown with their states, and where the money is', () =>
  site.open({}, async (page) => {
    await site.openKeys(page);
    await goTo(page, 'agreements');
    const cards = page.getByRole('article');
    await cards.first().waitFor();
    assert.equal(await cards.count(), 3);
    const texts = await cards.allTextContents();
    const ways = await page.getByRole('list', { name: 'States' }).allTextContents();
    assert.ok(
      ways.some((way) => /^Offered\s*→?\s*Cancelled$/.test(way)),
      ways.join(' | '),
    );
    for (const state of ['Offered', 'Cancelled', 'Active'])
      assert.ok(
        texts.some((text) => text.startsWith(state)),
        state,
      );
    assert.match(texts.join(), /0\.0031 ether/);
    await picture(page, 'agreements');
  }));

test('rounds are listed with their times; a dataset of rounds alone says in which it stands', () =>
  site.open({}, async (page) => {
    await site.openKeys(page);
    await goTo(page, 'rounds');
    assert.ok((await page.getByRole('row').count()) >= 2);
    await picture(page, 'rounds');
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('link', { name: /^valve/ }).click();
    await page.getByText(/blocks in round 1/).waitFor();
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText(/^✓ No damage found in \d+ blocks/).waitFor({ timeout: 60_000 });
    await picture(page, 'round-dataset');
  }));

test('messages of topics are drawn as series: plain numbers, and each field of an object', () =>
  site.open({}, async (page) => {
    await site.openKeys(page);
    await page.getByRole('link', { name: /^plant/ }).click();
    await page.getByRole('button', { name: /^Read the newest/ }).click();
    await page.getByRole('img', { name: /^plant\/boiler\/temperature: 40 readings/ }).waitFor({ timeout: 60_000 });
    await page.getByRole('img', { name: /^plant\/turbine: rpm: 40 readings, 3,000 to 3,039/ }).waitFor();
    await page.getByRole('row', { name: /plant\/turbine/ }).waitFor();
    await picture(page, 'topics');
  }));

test('an attached dataset without blocks says so', () =>
  site.open({}, async (page) => {
    await site.openKeys(page);
    await page.getByRole('link', { name: /^lake/ }).click();
    await page.getByText('No block of it is final on the chain yet: there is nothing to verify.').waitFor();
    await page.getByText('attached', { exact: true }).waitFor();
    await picture(page, 'attached');
  }));

test('of a damaged block nothing is drawn: the chart has a gap, the list says which, the file is not handed out', () =>
  site.open({}, async (page) => {
    await damageStored(site);
    await site.openKeys(page);
    await page.getByRole('link', { name: /^pump/ }).click();
    await page.getByRole('button', { name: /^Read the newest/ }).click();
    await page.getByRole('img', { name: /^pump\.csv: pressure: .*1 damaged span shaded/ }).waitFor({ timeout: 60_000 });
    // The lines that the gap cuts are no readings: none of another time, and no column that there is not.
    assert.equal(await page.locator('.chart').count(), 1);
    assert.match(
      (await page.locator('.chart').textContent()) ?? '',
      /2026-11-25 00:00:00 UTC to 2026-11-26 00:59:00 UTC/,
    );
    await page
      .getByText(/✗ Blocks? [\d,]+.*: not as recorded, or not returned by the storage\. Charts are shaded there\./)
      .waitFor();
    assert.equal(await page.getByRole('button', { name: 'Download pump.csv' }).isDisabled(), true);
    await picture(page, 'gap');
  }));

test('every view with data in it keeps people in: roles, names, contrast and width at 360 px, light and dark', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await site.open({ colorScheme, viewport: { width: 360, height: 740 } }, async (page) => {
      await site.openKeys(page);
      await goTo(page, `dataset/${ids.get('pump')}`);
      await page.getByRole('button', { name: 'Verify' }).click();
      await page.getByRole('heading', { name: 'Last check' }).waitFor({ timeout: 60_000 });
      await page.getByRole('button', { name: /^Read the newest/ }).click();
      await page.getByRole('img', { name: /pressure/ }).waitFor({ timeout: 60_000 });
      const look = async (name: string): Promise<void> => {
        assert.deepEqual(await findBarriers(page), [], name);
        assert.equal(await isNarrow(page), true, `${name} is wider than the window`);
        assert.deepEqual(await brokenWords(page), [], name);
        await picture(page, `data-${colorScheme}-${name}`);
      };
      await look('damaged');
      await page.locator('.damage a').first().click();
      await page.getByText('✗ Not what was recorded').waitFor({ timeout: 60_000 });
      await look('damaged-block');
      for (const view of ['', 'fleet', 'rounds', 'agreements', `dataset/${ids.get('plant')}`]) {
        await goTo(page, view);
        await look(view.split('/')[0] || 'overview');
      }
    });
  }
});
