import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { portsFromEnv } from '../../functions/ports-from-env.ts';
import { functionRows } from '../../functions/table.ts';
import { CONTEXT, type Synthesised, synthStack } from './synth-stack.ts';

let stack: Synthesised;
before(() => {
  stack = synthStack();
});

const EVERYWHERE = [
  ...['PLUMBLINE_RPC_URL', 'PLUMBLINE_CHAIN_ID', 'PLUMBLINE_DISSC', 'PLUMBLINE_BUCKET', 'PLUMBLINE_TABLE'],
  ...['PLUMBLINE_OWNERS', 'PLUMBLINE_AUTHORITIES', 'POWERTOOLS_METRICS_NAMESPACE', 'NODE_OPTIONS'],
];
const OF_THE_CHAIN = [
  ...['PLUMBLINE_OCASC', 'PLUMBLINE_ASC', 'PLUMBLINE_CSS_ACCOUNT', 'PLUMBLINE_FROM_BLOCK'],
  ...['PLUMBLINE_RECORD_EVERY_MS', 'PLUMBLINE_GRANTS_MIN_PER_BATCH_WEI'],
];

describe('the environment of the functions', () => {
  test('names what a function may touch, and nothing else', () => {
    for (const { name, may } of functionRows) {
      const expected = [
        ...EVERYWHERE,
        ...(may.chain === undefined ? [] : OF_THE_CHAIN),
        ...(name === 'anchor' ? ['PLUMBLINE_RELAYER_KEY_ID'] : []),
        ...(may.queue === 'wake' ? ['PLUMBLINE_ANCHOR_QUEUE'] : []),
        ...(name === 'publish-segment' ? ['PLUMBLINE_IPFS_API', 'PLUMBLINE_IPFS_TOKEN_SECRET'] : []),
      ];
      assert.deepEqual(Object.keys(environmentOf(name)).sort(), expected.sort(), name);
    }
  });

  test('is what the functions read at their start', async () => {
    const silent = createLineObserver(() => undefined);
    for (const { name, may } of functionRows) {
      // Key and token are asked for at the start; KMS and Secrets Manager are not here. Those functions are tried without.
      const { PLUMBLINE_RELAYER_KEY_ID: keyId, PLUMBLINE_IPFS_TOKEN_SECRET: _, ...env } = environmentOf(name);
      const ports = await portsFromEnv({ ...env, AWS_REGION: 'eu-central-1' }, silent);
      assert.equal(keyId === undefined, may.chain !== 'record', name);
      assert.equal(ports.ledger.domain.dissc.toLowerCase(), CONTEXT.dissc);
      assert.deepEqual([...ports.settings().owners], [[`0x${'ab'.repeat(20)}`, 1_000_000]]);
      const [own, ...others] = ports.settings().authorities;
      assert.match(own ?? '', /^made-up\.execute-api\./);
      assert.deepEqual(others, ['api.example']);
    }
  });

  test('holds no secret: keys and tokens are named, never given', () => {
    const anchor = variablesOf('anchor');
    const publish = variablesOf('publish-segment');
    assert.equal(stack.text(anchor.PLUMBLINE_RELAYER_KEY_ID), '<RelayerKey>');
    assert.equal(stack.text(publish.PLUMBLINE_IPFS_TOKEN_SECRET), '<IpfsToken>');
    for (const { name } of functionRows) {
      assert.doesNotMatch(JSON.stringify(variablesOf(name)), /resolve:|SecretString|PRIVATE|PASSWORD/i, name);
    }
  });

  test('takes its time, terms and quota from the parameters', () => {
    const given = { recordEveryMs: '60000', grantsMinPerBatchWei: '7', grantsOpenQuotaBytes: '5000', fromBlock: '12' };
    const other = synthStack(given);
    const { Properties } = other.ofType('AWS::Lambda::Function').get('Anchor/Function') ?? {};
    const { PLUMBLINE_RECORD_EVERY_MS, PLUMBLINE_GRANTS_MIN_PER_BATCH_WEI, PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES } =
      Properties.Environment.Variables;
    assert.deepEqual(
      [PLUMBLINE_RECORD_EVERY_MS, PLUMBLINE_GRANTS_MIN_PER_BATCH_WEI, PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES],
      ['60000', '7', '5000'],
    );
    assert.equal(Properties.Environment.Variables.PLUMBLINE_FROM_BLOCK, '12');
  });
});

function variablesOf(name: string): Readonly<Record<string, unknown>> {
  const found = [...stack.ofType('AWS::Lambda::Function').values()].find(
    ({ Properties }) => Properties.FunctionName === `plumbline-dev-${name}`,
  );
  assert.ok(found, name);
  return found.Properties.Environment.Variables;
}

/** As after a deployment: every reference has become some name. */
function environmentOf(name: string): Record<string, string> {
  const entries = Object.entries(variablesOf(name)).map(([variable, value]) => {
    const text = stack.text(value).replaceAll(/<[^>]+>/g, 'made-up');
    return [variable, variable.endsWith('_QUEUE') ? `https://${text}` : text];
  });
  return Object.fromEntries(entries);
}
