import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { deriveDatasetId } from '../../core/charter/dataset-id.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { address, NO_ACCOUNT } from '../../core/ids.ts';
import { type DatasetEntry, datasetsFileText } from '../../core/wire/datasets-file.ts';
import { stackFile } from '../../core/wire/stack-file.ts';
import { type ConsoleUnderTest, picture, settled, startConsoleUnderTest } from './console-under-test.ts';

const DEVICES = 10_000;
/** A task of the page's own thread that takes longer is felt by anybody, on any machine. */
const MOST_TASK_MS = 1_000;
const MOST_NODES = 1_500;

let site: ConsoleUnderTest;

before(async () => {
  site = await startConsoleUnderTest();
  const { chainId, contracts } = stackFile.parse(JSON.parse(await readFile(site.stack.stackFile, 'utf8')));
  const owner = address(site.account);
  const domain = { chainId, dissc: address(contracts.DISSC) };
  const serial = Math.floor(Date.now() / 1000);
  const entries = Array.from({ length: DEVICES }, (_, i): DatasetEntry => {
    const text = `pump-${String(i).padStart(5, '0')}`;
    const name = encodeDatasetName(text);
    const device = address(`0x${(i + 1).toString(16).padStart(40, '0')}`);
    const dataset = deriveDatasetId(domain, owner, name, ENCRYPTED);
    return {
      name: text,
      dataset,
      kind: ENCRYPTED,
      published: false,
      charters: [{ owner, name, kind: ENCRYPTED, device, anchorer: NO_ACCOUNT, serial, from: 0, signature: null }],
    };
  });
  await writeFile(site.at('home', 'datasets.json'), datasetsFileText(entries), { mode: 0o600 });
});

after(() => site?.end());

/** Long tasks and frames of the page's own thread since this was asked last: what a person feels. */
const WATCH = `
  window.felt = { longTasks: [], longestFrameMs: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.felt.longTasks.push(Math.round(duration));
  }).observe({ type: 'longtask', buffered: true });
  let last = performance.now();
  const frame = (now) => {
    window.felt.longestFrameMs = Math.max(window.felt.longestFrameMs, now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
`;

async function feel(page: Page, what: string): Promise<void> {
  const { longTasks, longestFrameMs } = (await page.evaluate(`(() => {
    const felt = window.felt;
    window.felt = { longTasks: [], longestFrameMs: 0 };
    return felt;
  })()`)) as { longTasks: number[]; longestFrameMs: number };
  console.log(`${what}: longest frame ${Math.round(longestFrameMs)} ms, long tasks ${longTasks.join(', ') || 'none'}`);
  assert.ok(Math.max(0, ...longTasks) < MOST_TASK_MS, `${what}: a task of ${Math.max(...longTasks)} ms`);
  const nodes = (await page.evaluate("document.getElementsByTagName('*').length")) as number;
  assert.ok(nodes < MOST_NODES, `${what}: ${nodes} nodes`);
}

const toEnd = (page: Page) => page.evaluate('window.scrollTo(0, document.body.scrollHeight)');

test('ten thousand devices are listed, scrolled, searched and asked about: no long task, few nodes, few requests', () =>
  site.open({}, async (page) => {
    let requests = 0;
    page.on('request', () => {
      requests += 1;
    });
    await page.addInitScript(WATCH);
    await page.reload();
    await site.openKeys(page);
    await page.getByRole('link', { name: /^pump-00000/ }).waitFor({ timeout: 60_000 });
    await feel(page, 'listed');
    await settled(page);
    await page.locator('.tile dd').getByText('10,000', { exact: true }).waitFor();
    await feel(page, 'all read');
    // A request for each thousand or so, and those about the rows in view: not one for each device.
    console.log(`${requests} requests`);
    assert.ok(requests < 100, `${requests} requests`);
    assert.equal(await page.getByRole('listitem').first().getAttribute('aria-setsize'), String(DEVICES));
    await picture(page, 'ten-thousand', false);

    for (let turn = 0; turn < 40; turn++) {
      await page.mouse.wheel(0, 4_000);
      await page.evaluate('new Promise(requestAnimationFrame)');
    }
    await toEnd(page);
    await page.getByRole('link', { name: /^pump-09999/ }).waitFor();
    await feel(page, 'scrolled');

    await page.getByRole('searchbox').fill('pump-0777');
    await page.getByRole('link', { name: /^pump-07777/ }).waitFor();
    assert.equal(await page.getByRole('listitem').count(), 10);
    await page.getByRole('searchbox').fill('');
    await feel(page, 'searched');

    await page.getByRole('link', { name: 'Fleet' }).click();
    await page.getByRole('list', { name: 'Devices' }).waitFor();
    await settled(page);
    await toEnd(page);
    await page.getByRole('link', { name: /^pump-09999/ }).waitFor();
    await feel(page, 'fleet');
    await page.getByRole('button', { name: 'Ask about all devices' }).click();
    await page.getByText(/^Asked about 1\d\d of 10,000/).waitFor({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.locator('button[aria-disabled=false]').getByText('Ask about all devices').waitFor();
    await feel(page, 'asked about some, and stopped');
    await picture(page, 'fleet', false);
  }));
