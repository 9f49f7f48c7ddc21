import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createDisscOwner } from '../../adapters/ethereum/dissc-owner.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { ownerKey } from '../../adapters/keys/mnemonic.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { address, NO_ACCOUNT } from '../../core/ids.ts';
import { stackFile } from '../../core/wire/stack-file.ts';
import { fund, keeperOf } from '../../local/stack/fund.ts';
import { type ConsoleUnderTest, picture, settled, startConsoleUnderTest } from './console-under-test.ts';

const DEVICES = 10_000;
const OWNER_WEI = 10n ** 21n;

let site: ConsoleUnderTest;

before(async () => {
  site = await startConsoleUnderTest();
  const { rpcUrl, chainId, contracts, ...stack } = stackFile.parse(
    JSON.parse(await readFile(site.stack.stackFile, 'utf8')),
  );
  await fund(
    createJsonRpc(keeperOf({ rpcUrl, chainId, chainKeeperRpcUrl: stack.chainKeeperRpcUrl })),
    address(site.account),
    OWNER_WEI,
  );
  const signer = createKeySigner(ownerKey((await readFile(site.at('mnemonic'), 'utf8')).trim()));
  const owner = createDisscOwner({ rpcUrl, chainId, dissc: address(contracts.DISSC), signer });
  const nowSeconds = Math.floor(Date.now() / 1000);
  const beganMs = performance.now();
  const charters = Array.from({ length: DEVICES }, (_, i) => ({
    owner: signer.account,
    name: encodeDatasetName(`pump-${String(i).padStart(5, '0')}`),
    kind: ENCRYPTED as typeof ENCRYPTED,
    device: address(`0x${(i + 1).toString(16).padStart(40, '0')}`),
    ...{ anchorer: NO_ACCOUNT, serial: nowSeconds, from: 0, signature: null },
  }));
  // About as many as one transaction holds.
  for (let at = 0; at < DEVICES; at += 160) await owner.recordCharters(charters.slice(at, at + 160));
  console.log(`${DEVICES} charters on the chain after ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
});

after(() => site?.end());

/** Long tasks and frames of the page's own thread, from now on: what a person feels. */
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
const felt = (page: Page) =>
  page.evaluate(`(() => {
    const { longTasks, longestFrameMs } = window.felt;
    window.felt = { longTasks: [], longestFrameMs: 0 };
    return 'longest frame ' + Math.round(longestFrameMs) + ' ms, long tasks ' + (longTasks.join(', ') || 'none') + ' ms';
  })()`);
const nodes = (page: Page) => page.evaluate("document.getElementsByTagName('*').length") as Promise<number>;

test('ten thousand devices are listed, searched and scrolled with bounded nodes and requests', () =>
  site.open({}, async (page) => {
    let requests = 0;
    page.on('request', () => {
      requests += 1;
    });
    const since = (): number => {
      const counted = requests;
      requests = 0;
      return counted;
    };
    await page.addInitScript(WATCH);
    await page.reload();
    await page.getByRole('link', { name: /^pump-00000/ }).waitFor({ timeout: 120_000 });
    await settled(page);
    const open = page.waitForFunction("document.querySelector('.tile dd')?.textContent === '10,000'", null, {
      timeout: 120_000,
    });
    await open;
    console.log(`without keys: ${await felt(page)}; ${since()} requests`);
    await page.evaluate('performance.clearMarks(); window.beganMs = performance.now()');
    await site.openKeys(page);
    await page.getByRole('link', { name: /^pump-00000/ }).waitFor({ timeout: 120_000 });
    const listedMs = await page.evaluate('Math.round(performance.now() - window.beganMs)');
    await settled(page);
    await page.locator('.busy[hidden]').waitFor({ state: 'attached', timeout: 120_000 });
    const readMs = await page.evaluate('Math.round(performance.now() - window.beganMs)');
    const asked = since();
    console.log(
      `with keys: listed ${listedMs} ms after the view of keys was asked for, all read after ${readMs} ms; ${await felt(page)}; ${asked} requests`,
    );
    // A request for each thousand or so, and those about the rows in view: not one for each device.
    assert.ok(asked < 150, `${asked} requests`);
    assert.ok((await nodes(page)) < 1_500, `${await nodes(page)} nodes`);
    assert.equal(await page.getByRole('listitem').first().getAttribute('aria-setsize'), String(DEVICES));
    await picture(page, 'ten-thousand');

    const beganMs = Date.now();
    for (let turn = 0; turn < 40; turn++) {
      await page.mouse.wheel(0, 4_000);
      await page.evaluate('new Promise(requestAnimationFrame)');
    }
    console.log(`scrolled 160,000 px in ${Date.now() - beganMs} ms: ${await felt(page)}; ${since()} requests`);
    assert.ok((await nodes(page)) < 1_500, `${await nodes(page)} nodes`);
    await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
    await page.getByRole('link', { name: /^pump-09999/ }).waitFor();

    await page.getByRole('searchbox').fill('pump-0777');
    await page.getByRole('link', { name: /^pump-07777/ }).waitFor();
    assert.equal(await page.getByRole('listitem').count(), 10);
    console.log(`searched: ${await felt(page)}; ${since()} requests`);

    await page.getByRole('link', { name: 'Fleet' }).click();
    await page.getByRole('searchbox').fill('');
    await page.getByRole('list', { name: 'Devices' }).waitFor();
    await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
    assert.ok((await nodes(page)) < 1_500, `${await nodes(page)} nodes`);
    await settled(page);
    console.log(`fleet: ${await felt(page)}; ${since()} requests`);
    await page.getByRole('button', { name: 'Ask about all devices' }).click();
    await page.getByRole('button', { name: /^Stop/ }).click({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Ask about all devices' }).waitFor();
    console.log(`asked about all, and stopped: ${await felt(page)}; ${since()} requests`);
    await picture(page, 'fleet');
  }));
