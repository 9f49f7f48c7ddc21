import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readParameters } from '../../cdk/read-parameters.ts';
import { ArgumentError, type FileError } from '../../core/errors.ts';
import { CONTEXT } from './synth-stack.ts';

const address = (byte: string) => `0x${byte.repeat(20)}`;
const DEPLOYMENTS = {
  chainId: 31337,
  contracts: {
    DISSC: { address: address('d2'), block: 7, args: {} },
    OCASC: {
      ...{ address: address('0d'), block: 8 },
      args: { dissc: address('d2'), minWindowSeconds: 1, answerGas: 1, demandGas: 1 },
    },
    ASC: { address: address('a6'), block: 9, args: { dissc: address('d2') } },
  },
};

const read = (context: Record<string, unknown>, files: Record<string, unknown> = {}) =>
  readParameters(
    (name) => context[name],
    (path) => {
      if (!(path in files)) throw new Error(`ENOENT ${path}`);
      return typeof files[path] === 'string' ? (files[path] as string) : JSON.stringify(files[path]);
    },
  );

describe('the parameters of a deployment', () => {
  test('take the contracts from the file of deployments of the chain', () => {
    const { dissc: _1, ocasc: _2, asc: _3, ...context } = CONTEXT;
    const { contracts, fromBlock } = read(context, { 'deployments/31337.json': DEPLOYMENTS });
    assert.deepEqual(contracts, { dissc: address('d2'), ocasc: address('0d'), asc: address('a6') });
    assert.equal(fromBlock, 7);
  });

  test('leave out what is not there', () => {
    const { ocasc: _1, asc: _2, kuboApiUrl: _3, alarmEmail: _4, authorities: _5, cssAccount: _6, ...context } = CONTEXT;
    const parameters = read(context);
    assert.deepEqual(parameters.contracts, { dissc: address('d1'), ocasc: null, asc: null });
    assert.equal(parameters.kuboApiUrl, null);
    assert.equal(parameters.alarmEmail, null);
    assert.equal(parameters.cssAccount, null);
    assert.deepEqual([parameters.authorities, parameters.invokers], [[], []]);
    assert.deepEqual(parameters.grants, { minPerRecordWei: '0', openQuotaBytes: null });
  });

  const refused: readonly (readonly [string, Record<string, unknown>, RegExp, typeof FileError?])[] = [
    ['a missing stage', { stage: undefined }, /stage is missing. Give it with -c stage=/],
    ['a stage that there is not', { stage: 'test' }, /stage is dev or prod/],
    ['a chain that is no number', { chainId: 'mainnet' }, /chainId is not a number/],
    ['a secret by its name alone', { rpcSecret: 'nodes' }, /rpcSecret is not the whole ARN of a secret/],
    ['a version that is no id', { rpcSecretVersion: 'AWSCURRENT' }, /rpcSecretVersion is not the id of a version/],
    ['a contract that is no address', { dissc: '0x12' }, /dissc is not an address/],
    ['an authority with a scheme', { authorities: 'https://api.example' }, /authorities is not a list/],
    ['a prefix that no name can begin with', { prefix: 'Weather_1' }, /prefix is not 2 to 20 lower-case letters/],
    ['a network without security groups', { subnets: 'subnet-11111111' }, /Give both -c subnets=/],
    ['a domain without its certificate', { domain: 'plumb.example.com' }, /Give both -c domain=/],
    ['a limit of a function without a route', { routeLimits: 'anchor=1/1' }, /names anchor, which has no route/],
    ['a limit of nothing', { routeLimits: 'get-block=0/5' }, /at least 1 a second/],
    [
      'more of ingest than a small account has room for',
      { ingestAtOnce: '5' },
      /4 leave room for 2 of segment-removed/,
    ],
    ['less of ingest than SQS can be told', { ingestAtOnce: '1' }, /ingestAtOnce is below 2/],
    ['a key that is none of KMS', { relayerKey: 'alias/relayer' }, /relayerKey is not the ARN of a key in KMS/],
    ['contracts given twice', { deployments: 'd.json' }, /Give either/],
    ['a sum in ether', { grantsMinPerRecordWei: '0.1' }, /grantsMinPerRecordWei is not a whole number of wei/],
    ['an invoker that is no account', { invokers: '*' }, /invokers is not a list/],
    ['a mail address without a host', { alarmEmail: 'me' }, /alarmEmail is not an e-mail address/],
  ];
  for (const [what, change, message, blamed = ArgumentError] of refused) {
    test(`refuse ${what}`, () => {
      assert.throws(
        () => read({ ...CONTEXT, ...change }),
        (error) => error instanceof blamed && message.test(error.shortMessage),
      );
    });
  }

  test('refuse a file of deployments of another chain', () => {
    const { dissc: _1, ocasc: _2, asc: _3, ...context } = CONTEXT;
    const files = { 'deployments/31337.json': { ...DEPLOYMENTS, chainId: 1 } };
    assert.throws(() => read(context, files), /is for chain 1, but chainId is 31337/);
  });

  test('refuse the address of a node in place of the secret that has it, and do not repeat it', () => {
    const rpcSecret = 'https://rpc.example/hunter2';
    assert.throws(
      () => read({ ...CONTEXT, rpcSecret }),
      (error) => error instanceof ArgumentError && !error.message.includes('hunter2'),
    );
  });
});
