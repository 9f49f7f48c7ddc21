import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { functionRows } from '../../functions/table.ts';
import { openPortsOf } from '../functions/lambda-ports.ts';
import { secretsForTest } from '../functions/secrets-for-test.ts';
import { CONTEXT, type Synthesised, synthStack } from './synth-stack.ts';

let stack: Synthesised;
before(() => {
  stack = synthStack();
});

const EVERYWHERE = ['POWERTOOLS_METRICS_NAMESPACE', 'NODE_OPTIONS'];
const CHAIN = ['PLUMBLINE_RPC_SECRET', 'PLUMBLINE_CHAIN_ID'];
const DISSC = [...CHAIN, 'PLUMBLINE_DISSC', 'PLUMBLINE_FROM_BLOCK'];
/** Written down by hand, by right and its value; nothing of lambda/variables.ts is used here. */
const BY_RIGHT: Readonly<Record<string, readonly string[]>> = {
  'objects read': ['PLUMBLINE_BUCKET'],
  'objects read-list-aside': ['PLUMBLINE_BUCKET'],
  'objects read-put': ['PLUMBLINE_BUCKET'],
  'objects presign-get': ['PLUMBLINE_BUCKET'],
  'objects read-presign-put': ['PLUMBLINE_BUCKET'],
  'table read': ['PLUMBLINE_TABLE'],
  'table read-write': ['PLUMBLINE_TABLE'],
  'dissc read': DISSC,
  'dissc record': [
    ...DISSC,
    'PLUMBLINE_RELAYER_KEY_ID',
    'PLUMBLINE_RECORD_EVERY_MS',
    'PLUMBLINE_KEEP_ROUNDS_DAYS',
    'PLUMBLINE_ROUND_EVERY_MS',
  ],
  'ocasc read': [...CHAIN, 'PLUMBLINE_OCASC'],
  'asc read': [...CHAIN, 'PLUMBLINE_ASC', 'PLUMBLINE_CSS_ACCOUNT'],
  'asc record': [...CHAIN, 'PLUMBLINE_ASC'],
  'owners read': ['PLUMBLINE_TABLE', 'PLUMBLINE_GRANTS_MIN_PER_RECORD_WEI'],
  'queue wake': ['PLUMBLINE_ANCHOR_QUEUE'],
  'ipfs import': ['PLUMBLINE_IPFS_API', 'PLUMBLINE_IPFS_TOKEN_SECRET'],
};

const COMMON = ['primitives', 'runtime', 'observer', 'settings'];

describe('the environment of the functions', () => {
  test('names what a function may touch, and nothing else', () => {
    for (const { name, may, trigger, callers } of functionRows) {
      const expected = new Set([
        ...EVERYWHERE,
        ...(trigger.kind === 'http' ? ['PLUMBLINE_AUTHORITIES'] : []),
        ...(trigger.kind === 'http' && callers !== 'anyone' ? ['PLUMBLINE_CHAIN_ID'] : []),
        ...Object.entries(may).flatMap(([key, right]) => BY_RIGHT[`${key} ${right}`] ?? [`? ${key} ${right}`]),
      ]);
      assert.deepEqual(Object.keys(environmentOf(name)).sort(), [...expected].sort(), name);
    }
    const described = Object.keys(environmentOf('get-openapi'));
    assert.deepEqual(described.sort(), ['NODE_OPTIONS', 'PLUMBLINE_AUTHORITIES', 'POWERTOOLS_METRICS_NAMESPACE']);
  });

  test('is what the functions read at their start', async (t) => {
    const secrets = await secretsForTest(t, { [CONTEXT.rpcSecret]: 'https://rpc.example' });
    for (const { name, may, trigger } of functionRows) {
      // Key and token are asked for at the start; KMS and Secrets Manager are not here. The anchor is opened in the tests
      // of functions/grant-settings, on a KMS of its own, and the IPFS node is tried without its token.
      const { PLUMBLINE_RELAYER_KEY_ID: keyId, PLUMBLINE_IPFS_TOKEN_SECRET: _, ...env } = environmentOf(name);
      assert.equal(keyId === undefined, may.dissc !== 'record', name);
      if (keyId !== undefined) continue;
      const ports = await openPortsOf(name, { ...env, ...secrets.env, AWS_REGION: 'eu-central-1' });
      const rights = Object.keys(may);
      assert.deepEqual(
        Object.keys(ports).filter((port) => !COMMON.includes(port)).length,
        rights.length,
        'each right brings its port and nothing else does',
      );
      if (may.dissc !== undefined) assert.equal(ports.ledger?.domain.dissc.toLowerCase(), CONTEXT.dissc);
      const { authorities } = ports.settings();
      if (trigger.kind !== 'http') continue;
      const [own, ...others] = authorities;
      assert.match(own ?? '', /^made-up\.execute-api\./);
      assert.deepEqual(others, ['api.example']);
    }
  });

  test('holds no secret: keys and tokens are named, never given', () => {
    const anchor = variablesOf('anchor');
    const publish = variablesOf('publish-segment');
    assert.equal(stack.text(anchor.PLUMBLINE_RELAYER_KEY_ID), '<RelayerKey>');
    assert.equal(stack.text(publish.PLUMBLINE_IPFS_TOKEN_SECRET), '<IpfsToken>');
    assert.equal(anchor.PLUMBLINE_RPC_SECRET, CONTEXT.rpcSecret);
    for (const { name } of functionRows) {
      assert.doesNotMatch(JSON.stringify(variablesOf(name)), /resolve:|SecretString|PRIVATE|PASSWORD|RPC_URL/i, name);
    }
  });

  test('takes its time, terms and quota from the parameters', () => {
    const given = { recordEveryMs: '60000', grantsMinPerRecordWei: '7', grantsOpenQuotaBytes: '5000', fromBlock: '12' };
    const other = synthStack(given);
    const { Properties } = other.ofType('AWS::Lambda::Function').get('Anchor/Function') ?? {};
    const { PLUMBLINE_RECORD_EVERY_MS, PLUMBLINE_GRANTS_MIN_PER_RECORD_WEI, PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES } =
      Properties.Environment.Variables;
    assert.deepEqual(
      [PLUMBLINE_RECORD_EVERY_MS, PLUMBLINE_GRANTS_MIN_PER_RECORD_WEI, PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES],
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
