import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import { address } from '../../core/ids.ts';
import { buildCheckPage } from '../../dev/console/build-check.ts';
import { exampleEvidence } from '../../dev/specification/example-evidence.ts';
import { type Dialect, type ForeignNode, startForeignNode } from '../adapters/foreign-node.ts';
import { type ChainWithEvidence, startChainWithEvidence } from '../client/chain-with-evidence.ts';
import { forgedBlock } from '../client/forged-block.ts';
import { evidenceOf, type FixtureOptions, joined } from '../core/evidence-fixture.ts';
import { writeLargeEvidence } from '../core/write-large-evidence.ts';
import { findBarriers, openBrowser, openPage, type WatchedPage } from './open-page.ts';

/** Pictures of what a person sees, for people: $PLUMBLINE_SHOTS, or nowhere. */
const shots = process.env.PLUMBLINE_SHOTS;

let folder: string;
let url: string;
let browser: Browser;
const at = (name: string) => join(folder, name);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-check-page-'));
  await writeFile(at('check.html'), await buildCheckPage());
  url = pathToFileURL(at('check.html')).href;
  await write('door', { open: true, blocks: [1] });
  await write('round', { anchored: true, withBytes: true });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Writes evidence, the content that it is about, and the stored bytes. */
async function write(name: string, options: FixtureOptions): Promise<void> {
  const { evidence, contents, stored } = await evidenceOf(nodePrimitives, options);
  await writeFile(at(`${name}.evidence.json`), encodeEvidence(evidence));
  await writeFile(at(`${name}.bin`), joined(contents));
  await writeFile(at(`${name}.stored`), joined(stored));
}

async function withPage(
  options: BrowserContextOptions,
  use: (watched: WatchedPage) => Promise<void>,
  named: readonly string[] = [],
): Promise<void> {
  const watched = await openPage(browser, url, options);
  try {
    await use(watched);
    assert.deepEqual(
      watched.requests.filter((asked) => !named.some((node) => asked.startsWith(node))),
      [],
      'it asked somebody',
    );
    assert.deepEqual(watched.complaints, []);
  } finally {
    await watched.page.context().close();
  }
}

const choose = (page: Page, ...names: string[]) => page.getByLabel('Choose the evidence').setInputFiles(names.map(at));
const sentence = (page: Page) => page.getByRole('status');

async function picture(page: Page, name: string): Promise<void> {
  if (shots === undefined) return;
  await mkdir(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `check-${name}.png`), fullPage: true });
}

test('a file and its evidence, by the keyboard alone: one sentence, then the steps', () =>
  withPage({}, async ({ page }) => {
    await picture(page, 'empty');
    // Waited for before the keys: the browser takes a while to hand over its choosers.
    const chooser = page.waitForEvent('filechooser');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.id'), 'files');
    await page.keyboard.press('Enter');
    await (await chooser).setFiles([at('door.evidence.json'), at('door.bin')]);
    await page.getByText('✓ Intact').waitFor();
    assert.match((await sentence(page).textContent()) ?? '', /^door\.bin: intact, byte for byte\. f1\.bin \(block 1, /);
    assert.equal(await page.locator('#steps > li').count(), 7);
    const second = page.locator('#steps summary').nth(2);
    await second.focus();
    await page.keyboard.press('Enter');
    assert.match((await page.locator('#steps details').nth(2).textContent()) ?? '', /signer0x[0-9a-f]{40}/i);
    assert.match((await page.locator('#rests').textContent()) ?? '', /On chain \d+, transaction 0x/);
    await picture(page, 'intact');
  }));

test('roles, names and contrast hold in light and dark, empty and with a verdict, at 360 px without a scroll sideways', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await withPage({ colorScheme, viewport: { width: 360, height: 740 } }, async ({ page }) => {
      assert.deepEqual(await findBarriers(page), []);
      await choose(page, 'door.evidence.json', 'door.bin');
      await page.getByText('✓ Intact').waitFor();
      for (const summary of await page.locator('#steps summary').all()) await summary.click();
      assert.deepEqual(await findBarriers(page), []);
      const overhang = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
      assert.ok(Number(overhang) <= 0, `${overhang} px wider than the window`);
      await picture(page, `phone-${colorScheme}`);
    });
  }
});

test('one changed byte, a cut file and another file are each said for what they are', () =>
  withPage({}, async ({ page }) => {
    const { contents } = await evidenceOf(nodePrimitives, { open: true, blocks: [1] });
    const changed = joined(contents);
    changed[20] = (changed[20] ?? 0) ^ 1;
    await writeFile(at('changed.bin'), changed);
    await writeFile(at('cut.bin'), changed.subarray(0, 39));
    await choose(page, 'door.evidence.json', 'changed.bin');
    await page.getByText('✗ Not what was recorded').waitFor();
    assert.match(
      (await sentence(page).textContent()) ?? '',
      /^changed\.bin is not the recorded data\. Its one block differs/,
    );
    await picture(page, 'changed');
    await choose(page, 'door.evidence.json', 'cut.bin');
    await page.getByText('cut.bin has 39 bytes; the proven data has').waitFor();
  }));

test('evidence alone says what is missing; the file may come later, evidence last, or stored bytes in its place', () =>
  withPage({}, async ({ page }) => {
    await choose(page, 'door.evidence.json');
    await page.getByText('✓ The evidence holds. Add the file that it is about.').waitFor();
    await choose(page, 'door.bin');
    await page.getByText('✓ Intact').waitFor();
    await page.reload();
    await choose(page, 'door.stored');
    await page.getByText('door.stored: now add the evidence').waitFor();
    await choose(page, 'door.evidence.json');
    await page.getByText('✓ Intact').waitFor();
  }));

test('evidence that lost its name is known; with bytes in it, it needs no file; a round is named', () =>
  withPage({}, async ({ page }) => {
    const { evidence } = await evidenceOf(nodePrimitives, { anchored: true, withBytes: true });
    const timestamp = new Uint8Array(2_000).fill(0x30);
    await writeFile(at('nameless'), encodeEvidence({ ...evidence, timestamp }));
    await choose(page, 'nameless');
    await page.getByText('✓ Intact').waitFor();
    assert.match((await page.locator('#facts').textContent()) ?? '', /Anchoredround 4 of 0x/);
    // The page does not read a time-stamp, and says so.
    assert.match(
      (await page.locator('#facts').textContent()) ?? '',
      /Time-stampin the file; this page does not check it/,
    );
    assert.match((await sentence(page).textContent()) ?? '', /contains a time-stamp, which this program cannot read/);
    await page.getByLabel('Show the values of block').fill('5');
    assert.match((await page.locator('#steps details').nth(4).textContent()) ?? '', /block5/);
    await page.getByLabel('Show the values of block').fill('3');
    assert.equal(await page.locator('#block:invalid').count(), 1);
  }));

test('evidence that was changed proves nothing, and the step that breaks is open', () =>
  withPage({}, async ({ page }) => {
    const { evidence } = await evidenceOf(nodePrimitives, { open: true });
    const [first, ...rest] = evidence.blocks;
    assert.ok(first !== undefined);
    const opening = {
      ...first.opening,
      sha256: nodePrimitives.sha256(new Uint8Array(1)) as typeof first.opening.sha256,
    };
    await writeFile(
      at('forged.evidence.json'),
      encodeEvidence({ ...evidence, blocks: [{ ...first, opening }, ...rest] }),
    );
    await choose(page, 'forged.evidence.json', 'door.bin');
    await page.getByText('✗ Proves nothing').waitFor();
    assert.match(
      (await page.locator('#steps details[open]').textContent()) ?? '',
      /✗ Fails\. .*does not match its record/,
    );
    await picture(page, 'forged');
  }));

test('evidence of another contract proves nothing here, right as all else in it is', () =>
  withPage({}, async ({ page }) => {
    await writeFile(at('other.evidence.json'), await exampleEvidence(address(`0x${'d1'.repeat(20)}`)));
    await choose(page, 'other.evidence.json');
    await page.getByText('✗ Proves nothing').waitFor();
    assert.match((await sentence(page).textContent()) ?? '', /on the contract 0xd1(?:d1)+, not on DISSC/);
    await picture(page, 'other-contract');
  }));

describe('the chain, asked from the page', () => {
  let chain: ChainWithEvidence;
  const nodes: ForeignNode[] = [];
  /** Speaks the truth but for what it was told. */
  const node = async (result: NonNullable<Dialect['result']>): Promise<string> => {
    const started = await startForeignNode(chain.rpcUrl, { result });
    nodes.push(started);
    return started.rpcUrl;
  };
  const honest = () => node((_asked, result) => result);
  const liar = () =>
    node(({ method, params }, result) =>
      method === 'eth_getBlockByNumber' && params[0] !== 'finalized'
        ? { ...(result as object), stateRoot: `0x${'11'.repeat(32)}` }
        : result,
    );
  const ask = async (page: Page, rpcUrls: readonly string[], agree: string): Promise<void> => {
    await page.getByLabel('Nodes of this chain').fill(rpcUrls.join('\n'));
    await page.getByLabel('How many of them must agree').fill(agree);
    await page.getByRole('button', { name: 'Ask these nodes' }).press('Enter');
  };
  before(async () => {
    chain = await startChainWithEvidence();
    await writeFile(at('recorded.evidence.json'), encodeEvidence(chain.evidence));
  });
  after(async () => {
    for (const one of nodes) await one.stop();
    await chain?.stop();
  });

  test('two honest nodes of three agree, and the one that lies is named', async () => {
    const [a, b, lies] = [await honest(), await honest(), await liar()];
    await withPage(
      { viewport: { width: 360, height: 740 } },
      async ({ page, requests }) => {
        await choose(page, 'recorded.evidence.json');
        await page.getByText('This page has not asked any node yet').waitFor();
        assert.deepEqual([requests, await findBarriers(page)], [[], []]);
        await ask(page, [a, b, lies], '2');
        await page.getByText('Asked. The verdict above').waitFor();
        const rests = (await page.locator('#rests').textContent()) ?? '';
        assert.match(rests, /holds, by all receipts of the block, which lead to the root in block \d+/);
        assert.match(rests, /holds, by a proof of DISSC's storage \(eth_getProof\)/);
        assert.doesNotMatch(rests, /not asked|not answered|does not hold/);
        const named = await page.locator('#dissent > li').allTextContents();
        assert.ok(named.length > 0 && named.every((text) => text.startsWith(`${new URL(lies).host} disagrees about`)));
        assert.doesNotMatch((await sentence(page).textContent()) ?? '', /was not asked whether/);
        assert.deepEqual(await findBarriers(page), []);
        const overhang = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
        assert.ok(Number(overhang) <= 0, `${overhang} px wider than the window`);
        await picture(page, 'asked');
      },
      [a, b, lies],
    );
  });

  test('where most of them lie and agree with each other, the honest one is named, whatever the verdict is', async () => {
    const [honestNode, ...liars] = [await honest(), await node(forgedBlock), await node(forgedBlock)];
    await withPage(
      {},
      async ({ page }) => {
        await choose(page, 'recorded.evidence.json');
        await ask(page, [...liars, honestNode], '2');
        await page.getByText('✗ The chain contradicts it').waitFor();
        const named = await page.locator('#dissent > li').allTextContents();
        assert.ok(
          named.length > 0 && named.every((text) => text.startsWith(`${new URL(honestNode).host} disagrees about`)),
        );
        await picture(page, 'liars-in-majority');
      },
      [...liars, honestNode],
    );
  });

  test('where most of them show a chain of their own that has it, the page says that not all agree', async () => {
    const own = await startChainWithEvidence();
    try {
      await writeFile(at('own-chain.evidence.json'), encodeEvidence(own.evidence));
      const result: NonNullable<Dialect['result']> = (_asked, one) => one;
      const liars = [await startForeignNode(own.rpcUrl, { result }), await startForeignNode(own.rpcUrl, { result })];
      nodes.push(...liars);
      const honestNode = await honest();
      const asked = [...liars.map(({ rpcUrl }) => rpcUrl), honestNode];
      await withPage(
        {},
        async ({ page }) => {
          await choose(page, 'own-chain.evidence.json');
          await ask(page, asked, '2');
          await page.getByText('Not all nodes agree').waitFor();
          const said = (await sentence(page).textContent()) ?? '';
          assert.match(said, new RegExp(`${new URL(honestNode).host} disagrees, as listed below`));
          assert.equal(await page.locator('#mark.good').count(), 0);
          assert.deepEqual(await findBarriers(page), []);
          await picture(page, 'own-chain');
        },
        asked,
      );
      // The same, where all have to agree.
      await withPage(
        {},
        async ({ page }) => {
          await choose(page, 'own-chain.evidence.json');
          await ask(page, asked, '');
          await page.getByText('? Not confirmed').waitFor();
        },
        asked,
      );
    } finally {
      await own.stop();
    }
  });

  test('where all must agree and one lies, nothing is confirmed', async () => {
    const [a, lies] = [await honest(), await liar()];
    await withPage(
      {},
      async ({ page }) => {
        await choose(page, 'recorded.evidence.json');
        await ask(page, [a, lies], '');
        await page.getByText('? Not confirmed').waitFor();
        assert.match((await sentence(page).textContent()) ?? '', /Fewer than 2 nodes agree/);
      },
      [a, lies],
    );
  });

  test('a chain that has not recorded it contradicts it', async () => {
    const [a] = [await honest()];
    const record = { ...chain.evidence.record, txHash: new Uint8Array(32).fill(1) } as typeof chain.evidence.record;
    await writeFile(at('unrecorded.evidence.json'), encodeEvidence({ ...chain.evidence, record }));
    await withPage(
      {},
      async ({ page }) => {
        await choose(page, 'unrecorded.evidence.json');
        await ask(page, [a], '1');
        await page.getByText('✗ The chain contradicts it').waitFor();
      },
      [a],
    );
  });

  test('what is no node is said, and asks nobody; the policy lets nothing else through', () =>
    withPage({}, async ({ page }) => {
      await choose(page, 'recorded.evidence.json');
      for (const [urls, agree, says] of [
        [[], '', /Name at least one node/],
        [['ftp://a.example'], '', /is not the URL of a node/],
        [['http://a.example'], '', /anyone on the way can answer in its place/],
        [['https://a.example', 'https://a.example/'], '', /You named one node twice/],
        [['https://a.example'], '2', /asks for 2 nodes, but you named 1/],
      ] as const) {
        await ask(page, urls, agree);
        await page.locator('#asked', { hasText: says }).waitFor();
      }
      const policy = await page.locator('meta[http-equiv]').getAttribute('content');
      assert.match(policy ?? '', /; connect-src https: http:\/\/127\.0\.0\.1:\* http:\/\/localhost:\*;/);
    }));
});

test('what is no evidence at all is said by its field, and names that others wrote show as they are', () =>
  withPage({}, async ({ page }) => {
    await writeFile(at('broken.evidence.json'), '{"after":[],"v":3}');
    await choose(page, 'broken.evidence.json');
    await page.getByText('✗ Not checked').waitFor();
    assert.match(
      (await sentence(page).textContent()) ?? '',
      /^broken\.evidence\.json is not evidence that this page can read\./,
    );
    const name = '<img src=x onerror=alert(1)>\u202e';
    const hostile = await evidenceOf(nodePrimitives, {
      blocks: [0],
      capture: (index, size) => ({
        content: new Uint8Array(size),
        meta: { at: 1_790_000_000_000 + index, name },
      }),
    });
    await writeFile(at('hostile.evidence.json'), encodeEvidence(hostile.evidence));
    await choose(page, 'hostile.evidence.json');
    await page.getByText('<img src=x onerror=alert(1)>\u{fffd}').first().waitFor();
    assert.equal(await page.locator('img').count(), 0);
  }));

/** Blocks, of a MiB each but for 16 bytes: two sizes. A gigabyte by hand: PLUMBLINE_LARGE=256,1024 */
const LARGE = (process.env.PLUMBLINE_LARGE ?? '96,384').split(',').map(Number);
const MIB = 2 ** 20;
/** A page was seen to grow to some 370 MiB and no further, whatever the file; one that kept the file would have 288 MiB more. */
const MOST_MORE_BYTES = 192 * MIB;
const MOST_BYTES = 512 * MIB;

test('a large file takes no more memory than a smaller one', { timeout: 1_800_000 }, async () => {
  const peaks: number[] = [];
  for (const blocks of LARGE) {
    const sizeBytes = await writeLargeEvidence(1, blocks, { file: at('large'), evidence: at('large.evidence.json') });
    // One of its own, so that nothing of an earlier page is counted.
    const own = await openBrowser();
    try {
      const { page, requests, complaints } = await openPage(own, url);
      await choose(page, 'large.evidence.json', 'large');
      await page.getByText('✓ Intact').waitFor({ timeout: 1_500_000 });
      peaks.push(await rendererPeakBytes(own));
      assert.deepEqual([requests, complaints], [[], []]);
    } finally {
      await own.close();
    }
    console.log(`check page: ${sizeBytes} bytes, at most ${((peaks.at(-1) as number) / MIB).toFixed(0)} MiB`);
  }
  const [small = 0, large = 0] = peaks;
  assert.ok(large <= MOST_BYTES, `${large} bytes`);
  assert.ok(large - small <= MOST_MORE_BYTES, `${large - small} bytes more`);
});

/** The most that a process of pages has had in memory. */
async function rendererPeakBytes(own: Browser): Promise<number> {
  const session = await own.newBrowserCDPSession();
  const { processInfo } = (await session.send('SystemInfo.getProcessInfo')) as {
    processInfo: { type: string; id: number }[];
  };
  const peaks = await Promise.all(
    processInfo
      .filter(({ type }) => type === 'renderer')
      .map(async ({ id }) => Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${id}/status`, 'utf8'))?.[1])),
  );
  return 1024 * Math.max(...peaks);
}

test('new files end what is under way', () =>
  withPage({}, async ({ page }) => {
    const sizes = [Array.from({ length: 24 }, () => 1_000_000)];
    const blocks = sizes[0]?.map((_, index) => index) ?? [];
    await write('long', { open: true, sizes, blocks });
    await choose(page, 'long.evidence.json', 'long.bin');
    await page.getByText('Checking long.bin').waitFor();
    await choose(page, 'door.evidence.json', 'door.bin');
    await page.getByText('door.bin: intact').waitFor();
    await choose(page, 'long.evidence.json', 'long.bin');
    await page.getByText('long.bin: intact').waitFor({ timeout: 120_000 });
  }));
