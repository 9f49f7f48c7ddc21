import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkFiles } from './check-files.ts';

/** A file in each place that the cases below import; they are empty, so none of them is refused itself. */
const HOUSE = Object.fromEntries(
  [
    'adapters/keys/secret-file.ts',
    'adapters/ethereum/dissc-ledger.ts',
    'client/sale/serve-sales.ts',
    'core/bytes.ts',
    'cli/output.ts',
    'dev/bench/gas.ts',
    'device/run-device.ts',
    'functions/get-block.ts',
    'functions/http/answer.ts',
    'functions/observe/observer.ts',
    'functions/ports.ts',
    'functions/rights/access.ts',
    'functions/state/log-entry.ts',
    'functions/table.ts',
    'local/start-stack.ts',
    'test/core/read-vectors.ts',
  ].map((path) => [path, 'export {};']),
);

interface Case {
  readonly what: string;
  readonly path: string;
  readonly text: string;
  readonly says: RegExp;
}

const REFUSED: readonly Case[] = [
  {
    what: 'core imports the bench',
    path: 'core/new.ts',
    text: "\nimport { gas } from '../dev/bench/gas.ts';",
    says: /^core\/new\.ts:2 imports dev\/bench\/gas\.ts\. core\/ may import core\/ alone\. dev\/ is what builds, measures and checks the project/,
  },
  {
    what: 'core imports a package that is not on its list',
    path: 'core/new.ts',
    text: "import { keccak256 } from 'ethers';",
    says: /^core\/new\.ts:1 imports ethers, which is for adapters\/, dev\/\. core\/ may not: it is the protocol, pure.*belong in adapters\/, behind a port/,
  },
  {
    what: 'core imports a subpath that is not on its list',
    path: 'core/new.ts',
    text: "import { randomBytes } from '@noble/hashes/utils.js';",
    says: /imports @noble\/hashes\/utils\.js, which no room has\. core\/ may not.*The lists of packages are in dev\/gate\/rooms\.ts/,
  },
  {
    what: 'core imports an adapter for its type alone',
    path: 'core/log/new.ts',
    text: "import type { Ledger } from '../../adapters/ethereum/dissc-ledger.ts';",
    says: /imports adapters\/ethereum\/dissc-ledger\.ts\. core\/ may import core\/ alone\. adapters\/ is what implements a port/,
  },
  {
    what: 'core names an adapter inside a type',
    path: 'core/new.ts',
    text: "export type L = import('../adapters/ethereum/dissc-ledger.ts').Ledger;",
    says: /^core\/new\.ts:1 imports adapters\/ethereum\/dissc-ledger\.ts\./,
  },
  {
    what: 'core passes on an adapter',
    path: 'core/new.ts',
    text: "export * from '../adapters/ethereum/dissc-ledger.ts';",
    says: /^core\/new\.ts:1 imports adapters\/ethereum\/dissc-ledger\.ts\./,
  },
  {
    what: 'core loads node:fs while it runs',
    path: 'core/new.ts',
    text: "export const read = async () => (await import('node:fs')).readFileSync('x');",
    says: /^core\/new\.ts:1 imports node:fs, which is for .*core\/ may not.*behind a port of core\//,
  },
  {
    what: 'core loads node:fs by a template',
    path: 'core/new.ts',
    text: 'export const fs = await import(`node:fs`);',
    says: /imports node:fs/,
  },
  {
    what: 'core loads a module whose name is made while it runs',
    path: 'core/new.ts',
    text: "export const load = (name: string) => import('node:' + name);",
    says: /^core\/new\.ts:1 imports a path made at run time\. In core\/ no file may\. Name it in a plain string\./,
  },
  {
    what: 'core requires node:fs in the old way',
    path: 'core/new.ts',
    text: "import fs = require('node:fs');\nexport const x = fs;",
    says: /^core\/new\.ts:1 imports node:fs/,
  },
  {
    what: 'core imports node:fs by its old name',
    path: 'core/new.ts',
    text: "import { readFileSync } from 'fs';",
    says: /imports fs, which no room has/,
  },
  {
    what: 'core imports a package by a path into node_modules',
    path: 'core/new.ts',
    text: "import { Wallet } from '../node_modules/ethers/lib.esm/index.js';",
    says: /imports node_modules\/ethers\/lib\.esm\/index\.js by its path\. Import a package by its name/,
  },
  {
    what: 'core imports the house by its own name',
    path: 'core/new.ts',
    text: "import { createKeystore } from 'plumbline/adapters/keys/keystore';",
    says: /imports plumbline\/adapters\/keys\/keystore, which no room has.*Import a file of the tree by its path from here/,
  },
  {
    what: 'core imports a file by its absolute path',
    path: 'core/new.ts',
    text: "import x from 'file:///work/adapters/keys/secret-file.ts';",
    says: /imports file:.*which no room has.*Import a file of the tree by its path from here/,
  },
  {
    what: 'core refers to a file in a comment',
    path: 'core/new.ts',
    text: '/// <reference types="node" />\nexport {};',
    says: /^core\/new\.ts:1 imports a file by a comment\. Import it\./,
  },
  {
    what: 'a function imports an AWS SDK',
    path: 'functions/read/new.ts',
    text: "import { S3Client } from '@aws-sdk/client-s3';",
    says: /imports @aws-sdk\/client-s3, which is for adapters\/, dev\/\. functions\/ may not.*belong in adapters\//,
  },
  {
    what: 'an adapter imports an SDK of another folder',
    path: 'adapters/sqs/new.ts',
    text: "import { S3Client } from '@aws-sdk/client-s3';",
    says: /imports @aws-sdk\/client-s3\. In adapters\/ it is for adapters\/s3\/ alone\./,
  },
  {
    what: 'an adapter imports an SDK from a folder whose name only begins alike',
    path: 'adapters/s3-other/new.ts',
    text: "import { S3Client } from '@aws-sdk/client-s3';",
    says: /imports @aws-sdk\/client-s3\. In adapters\/ it is for adapters\/s3\/ alone\./,
  },
  {
    what: 'the table imports a handler',
    path: 'functions/table.ts',
    text: "export const load = () => import('./get-block.ts');",
    says: /imports functions\/get-block\.ts, which is up on the floor "handlers"\. The floor "data" may import data alone\./,
  },
  {
    what: 'the middleware imports a handler',
    path: 'functions/http/new.ts',
    text: "import { getBlock } from '../get-block.ts';",
    says: /up on the floor "handlers"\. The floor "middleware" may import data, ports, state, log, rights, operations, middleware alone/,
  },
  {
    what: 'the state of the service imports the middleware',
    path: 'functions/state/new.ts',
    text: "import type { HttpAnswer } from '../http/answer.ts';",
    says: /imports functions\/http\/answer\.ts, which is up on the floor "middleware"\. The floor "state" may import data, ports, state alone/,
  },
  {
    what: 'a new folder of functions, on no floor yet, is imported from below',
    path: 'functions/log/new.ts',
    text: "import { x } from '../unnamed/x.ts';",
    says: /imports functions\/unnamed\/x\.ts, which is up on the floor "handlers"/,
  },
  {
    what: 'the handlers make their observer themselves',
    path: 'functions/get-block.ts',
    text: "import { Logger } from '@aws-lambda-powertools/logger';",
    says: /imports @aws-lambda-powertools\/logger, which is for lambda\/\. functions\/ may not.*lambda\/ makes the observer/,
  },
  {
    what: 'a function uses more than the types of aws-lambda',
    path: 'functions/http/new.ts',
    text: "import { Context } from 'aws-lambda';",
    says: /imports aws-lambda\. In functions\/ it is for `import type` in functions\/http\/ alone\./,
  },
  {
    what: 'the command line imports ethers',
    path: 'cli/new.ts',
    text: "import { Wallet } from 'ethers';",
    says: /^cli\/new\.ts:1 imports ethers, which is for adapters\/, dev\/\. cli\/ may not: it is the command line/,
  },
  {
    what: 'a command outside `plumb local`, `plumb serve`, `plumb service` and `plumb try` imports the embedded stack',
    path: 'cli/owner/new.ts',
    text: "import { startStack } from '../../local/start-stack.ts';",
    says: /imports local\/start-stack\.ts\. In cli\/, local\/ is for cli\/local\/, cli\/serve\/, cli\/service\/, cli\/try\/ alone\./,
  },
  {
    what: 'the client imports a function',
    path: 'client/new.ts',
    text: "import type { Access } from '../functions/rights/access.ts';",
    says: /^client\/new\.ts:1 imports functions\/rights\/access\.ts\. client\/ may import client\/, core\/ alone\./,
  },
  {
    what: 'the device imports the client',
    path: 'device/new.ts',
    text: "import { serveSales } from '../client/sale/serve-sales.ts';",
    says: /^device\/new\.ts:1 imports client\/sale\/serve-sales\.ts\. device\/ may import device\/, core\/ alone\./,
  },
  {
    what: 'the device reads files outside the places for it',
    path: 'device/steps/new.ts',
    text: "import { readFileSync } from 'node:fs';",
    says: /imports node:fs\. In device\/ it is for device\/outbox\/ alone\./,
  },
  {
    what: 'an adapter imports the device',
    path: 'adapters/new.ts',
    text: "import { runDevice } from '../device/run-device.ts';",
    says: /^adapters\/new\.ts:1 imports device\/run-device\.ts\. adapters\/ may import adapters\/, core\/ alone\./,
  },
  {
    what: 'the deployment imports a handler, not the table alone',
    path: 'cdk/new.ts',
    text: "import { getBlock } from '../functions/get-block.ts';",
    says: /imports functions\/get-block\.ts\. cdk\/ may import cdk\/, core\/, functions\/row\.ts, functions\/table\.ts, lambda\/variables\.ts alone/,
  },
  {
    what: 'the web page imports an adapter',
    path: 'console/new.ts',
    text: "import { x } from '../adapters/keys/secret-file.ts';",
    says: /console\/ may import console\/, client\/, core\/, adapters\/crypto\/portable-primitives\.ts alone/,
  },
  {
    what: 'what is delivered imports a test',
    path: 'local/new.ts',
    text: "import { readVectors } from '../test/core/read-vectors.ts';",
    says: /^local\/new\.ts:1 imports test\/core\/read-vectors\.ts\..*test\/ is tests and what they share; no other room imports them/,
  },
  {
    what: 'a tool imports a test',
    path: 'dev/bench/new.ts',
    text: "import { readVectors } from '../../test/core/read-vectors.ts';",
    says: /^dev\/bench\/new\.ts:1 imports test\/core\/read-vectors\.ts\./,
  },
  {
    what: 'an import names no file',
    path: 'core/new.ts',
    text: "import { hex } from './bytes.js';",
    says: /imports core\/bytes\.js, which does not exist\. Name the file as it is, with its ending\./,
  },
  {
    what: 'a file stands in a folder that is not a room',
    path: 'shared/new.ts',
    text: 'export const one = 1;',
    says: /^shared\/new\.ts:1 lies in no room\. Give shared an entry in dev\/gate\/rooms\.ts\./,
  },
  {
    what: 'the embedded stack finds a file of another room',
    path: 'local/new.ts',
    text: "export const vectors = new URL('../test/core/read-vectors.ts', import.meta.url);",
    says: /^local\/new\.ts:1 finds test\/core\/read-vectors\.ts\. local\/ may find files in local\/ alone\./,
  },
  {
    what: 'core looks at where it lies',
    path: 'core/new.ts',
    text: "export const vectors = new URL('./x.json', import.meta.url);",
    says: /^core\/new\.ts:1 uses import\.meta\. core\/ may not look at where it lies\./,
  },
  {
    what: 'an example requires a package that is not on its list',
    path: 'examples/new.ts',
    text: "import { createRequire } from 'node:module';\nexport const e = createRequire(import.meta.url)('ethers');",
    says: /^examples\/new\.ts:2 imports ethers, which is for/,
  },
];

const ALLOWED: Readonly<Record<string, string>> = {
  'core/batch/new.ts':
    "import { CID } from 'multiformats/cid';\nimport { hex } from '../bytes.ts';\nexport const x = [CID, hex];",
  'adapters/s3/new.ts': "import { S3Client } from '@aws-sdk/client-s3';\nimport { hex } from '../../core/bytes.ts';",
  'functions/new.ts': "import type { Ports } from './ports.ts';\nimport { answer } from './http/answer.ts';",
  'functions/state/new.ts':
    "import { x } from './log-entry.ts';\nimport type { Observer } from '../observe/observer.ts';",
  'functions/http/new.ts': "import type { Context } from 'aws-lambda';\nimport { x } from '../rights/access.ts';",
  'lambda/new.ts':
    "import { Logger } from '@aws-lambda-powertools/logger';\nimport { getBlock } from '../functions/get-block.ts';",
  'device/mqtt/new.ts': "import { connect } from 'node:net';\nimport mqtt from 'mqtt-packet';",
  'local/host/invoke-function.ts': "export const load = (name: string) => import('../../functions' + name);",
  'client/service/new.ts': "import { httpRows } from '../../functions/table.ts';",
  'cli/local/new.ts': "import { startStack } from '../../local/start-stack.ts';\nimport { Command } from 'commander';",
  'cdk/new.ts': "import { rows } from '../functions/table.ts';\nimport { Stack } from 'aws-cdk-lib';",
  'examples/new.ts': "export const plumb = new URL('../bin/plumb', import.meta.url);",
  'test/new.test.ts':
    "import { gas } from '../dev/bench/gas.ts';\nimport { runDevice } from '../device/run-device.ts';",
};

describe('the import gate refuses', () => {
  for (const { what, path, text, says } of REFUSED) {
    test(what, () => {
      const { refusals } = checkFiles({ ...HOUSE, 'functions/unnamed/x.ts': 'export {};', [path]: text });
      const own = refusals.filter((refusal) => refusal.startsWith(`${path}:`));
      assert.ok(
        own.some((refusal) => says.test(refusal)),
        refusals.join('\n') || 'It was allowed.',
      );
      assert.equal(refusals.length, own.length, refusals.join('\n'));
    });
  }
});

describe('the import gate allows', () => {
  for (const [path, text] of Object.entries(ALLOWED)) {
    test(`${path} what is on its list`, () => {
      assert.deepEqual(checkFiles({ ...HOUSE, [path]: text }).refusals, []);
    });
  }
});
