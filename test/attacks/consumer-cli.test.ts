import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import { type AgreementId, address } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { agentFileText } from '../../library/agent-file.ts';
import { fund } from '../../local/stack/fund.ts';
import { quickenKeystore } from '../cli/quicken-keystore.ts';
import { runPlumb } from '../cli/run-plumb.ts';
import { FUNDS_WEI, newKey, type RecordedStack, startRecordedStack } from '../protocols/recorded-stack.ts';
import { makeSeller, type Seller } from '../protocols/sale-on-stack.ts';

describe('a consumer who mistypes, repeats and is short of money', { timeout: 300_000 }, () => {
  let stack: RecordedStack;
  let seller: Seller;
  let id: AgreementId;
  let passwordFile = '';

  /** Whatever happens, one object on standard output. */
  async function plumb(home: 'rich' | 'poor', ...args: string[]) {
    const env = { PLUMB_STACK: join(stack.folder, 'stack.json'), PLUMB_HOME: join(stack.folder, home) };
    const all = ['consumer', ...args, '--password-file', passwordFile, '--json'];
    const { exitCode, stdout, stderr } = await runPlumb(all, env);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 1, stdout + stderr);
    const said = JSON.parse(lines[0] as string);
    return { exitCode, said, message: said.error?.message ?? '' };
  }
  const purchaseFile = () => join(stack.folder, 'rich', 'purchases', `${id.slice(2)}.json`);

  before(async () => {
    stack = await startRecordedStack(1);
    seller = await makeSeller(stack, stack.datasets[0]!);
    passwordFile = join(stack.folder, 'password');
    await writeFile(passwordFile, 'correct horse battery\n', { mode: 0o600 });
    for (const home of ['rich', 'poor'] as const) {
      const { said } = await plumb(home, 'init', '--mnemonic-out', join(stack.folder, `${home}.mnemonic`));
      await quickenKeystore(join(stack.folder, home), 'correct horse battery');
      if (home === 'rich') await fund(stack.rpc, address(said.account), FUNDS_WEI);
    }
    id = (await seller.offer({ samples: 3, windowSeconds: 60 })).id;
  });
  after(() => stack?.close());

  it('is told what is wrong, and nothing is paid', async () => {
    for (const [home, args, exitCode, message] of [
      ['rich', ['accept', '0x12'], 2, /is not the id of an offer/],
      ['rich', ['accept', `0x${'ab'.repeat(32)}`], 2, /There is no offer/],
      ['rich', ['fetch', id, '--out', join(stack.folder, 'none')], 6, /Nobody has accepted agreement/],
      ['rich', ['accept', id], 7, /^$/],
      ['poor', ['accept', id, '--yes'], 5, /has only \d+ wei/],
      ['rich', ['accept', id, '--yes'], 0, /^$/],
      ['rich', ['accept', id, '--yes'], 0, /^$/],
      ['poor', ['accept', id], 6, /is active/],
      ['poor', ['fetch', id, '--out', join(stack.folder, 'none')], 2, /with another key/],
      ['rich', ['breach', id], 6, /WrongState/],
      ['rich', ['close', id], 6, /TooEarly/],
      ['rich', ['challenge', id, '99'], 2, /NotForSale/],
    ] as const) {
      const ended = await plumb(home, ...args);
      assert.equal(ended.exitCode, exitCode, `${args}: ${JSON.stringify(ended.said)}`);
      assert.match(ended.message, message);
    }
    const { said } = await plumb('rich', 'withdraw');
    assert.deepEqual([said.amount, said.transaction], ['0', null]);
  });

  it('waits for a silent owner as long as it was told to, and signs for what was ahead', async () => {
    const startedAtMs = performance.now();
    const { exitCode, said } = await plumb(
      ...(['rich', 'fetch', id, '--out', join(stack.folder, 'f'), '--patience', '1', '--ahead', '1'] as const),
    );
    assert.deepEqual([exitCode, said.stopped.verdict, said.due], [1, 'unavailable', '200']);
    assert.ok(performance.now() - startedAtMs < 60_000);
  });

  it('fetches once, with two commands at the same time, and what is there is not fetched again', async () => {
    const stop = seller.serve();
    try {
      const outs = ['f1', 'f2'].map((name) => join(stack.folder, name));
      const ended = await Promise.all(outs.map((out) => plumb('rich', 'fetch', id, '--out', out)));
      assert.deepEqual(ended.map(({ exitCode }) => exitCode).toSorted(), [0, 6], JSON.stringify(ended));
      const out = outs[ended.findIndex(({ exitCode }) => exitCode === 0)] as string;
      const { contents } = stack.datasets[0]!;
      assert.deepEqual(await readFile(join(out, 'lines')), Buffer.concat(contents));
      const again = await plumb('rich', 'fetch', id, '--out', join(stack.folder, 'f3'));
      assert.equal(again.exitCode, 6);
      assert.match(again.message, /was written to .*f[12]\. To fetch them once more/);
      assert.equal((await plumb('rich', 'fetch', id, '--out', out)).exitCode, 0);
    } finally {
      await stop();
    }
  });

  it('does not work on a state that was cut or is another’s', async () => {
    const text = await readFile(purchaseFile(), 'utf8');
    for (const [changed, message] of [
      [text.slice(0, 40), /is not JSON/],
      [text.replace(id, `0x${'cd'.repeat(32)}`), /belongs to agreement/],
      [text.replace('"verified": 12', '"verified": -12'), /malformed at verified/],
    ] as const) {
      await writeFile(purchaseFile(), changed, { mode: 0o600 });
      const { exitCode, message: told } = await plumb('rich', 'status', id);
      assert.equal(exitCode, 2);
      assert.match(told, message);
    }
    await writeFile(purchaseFile(), text, { mode: 0o600 });
    assert.equal((await plumb('rich', 'status', id)).exitCode, 0);
  });

  it('an agent without money for gas is said to be so at once, to programs too', async () => {
    const agentKey = newKey();
    const file = join(stack.folder, 'poor-agent.json');
    await createSecretFile(file, agentFileText({ ...seller.file, agentKey }));
    const { stdout } = await runPlumb(['owner', 'serve', '--agent', file, '--once', '--json'], {});
    const said = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const low = said.find(({ event }) => event === 'low-funds');
    assert.deepEqual([low?.agent, low?.balanceWei], [accountOfKey(agentKey), '0']);
  });
});
