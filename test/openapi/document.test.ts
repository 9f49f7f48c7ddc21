import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { gatewayEventFromRequest } from '../../adapters/http-signature/gateway-event.ts';
import { PROBLEMS, type ProblemType } from '../../functions/answer/problem.ts';
import { describeService } from '../../functions/openapi/describe-service.ts';
import { writeDocument } from '../../functions/openapi/write-document.ts';
import type { HttpRow } from '../../functions/row.ts';
import { httpRows } from '../../functions/table.ts';
import { handlerOf } from '../functions/handler-of.ts';
import { type Stores, startStores } from '../functions/start-service.ts';

const root = join(import.meta.dirname, '..', '..');
const written = readFileSync(join(root, 'docs', 'openapi.json'), 'utf8');

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly description: string }[];
  readonly responses: Readonly<Record<string, { readonly $ref?: string }>>;
  readonly security: readonly object[];
}
const document = JSON.parse(written) as {
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, unknown>; securitySchemes: Record<string, unknown> };
};
const rows: readonly HttpRow[] = Object.values(httpRows);

function operationOf(row: HttpRow): Operation {
  const operation = document.paths[row.trigger.path]?.[row.trigger.method.toLowerCase()];
  assert.ok(operation, row.name);
  return operation;
}

describe('the OpenAPI document', () => {
  test('is a valid OpenAPI 3.1 document', async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(written));
    assert.ok(valid, JSON.stringify(errors));
  });

  test('in docs is what the table says today', () => {
    assert.equal(written, writeDocument(describeService()));
    assert.deepEqual(JSON.parse(written), JSON.parse(JSON.stringify(describeService())));
  });

  test('has every function with a route, and no other', () => {
    const found = Object.values(document.paths).flatMap((path) => Object.values(path));
    assert.deepEqual(found.map(({ operationId }) => operationId).sort(), rows.map(({ name }) => name).sort());
  });

  test('asks for a signature exactly where the caller counts', () => {
    for (const row of rows) {
      assert.equal(operationOf(row).security.length, row.callers === 'anyone' ? 0 : 1, row.name);
    }
  });

  test('describes every parameter, and resolves every reference', () => {
    for (const row of rows) {
      const { parameters = [], responses, security } = operationOf(row);
      for (const { name, description } of parameters) assert.notEqual(description, '', `${row.name} ${name}`);
      for (const { $ref } of Object.values(responses)) {
        if ($ref !== undefined) assert.ok(($ref.split('/').at(-1) as string) in document.components.responses, $ref);
      }
      const schemes = security.flatMap((one) => Object.keys(one));
      for (const scheme of schemes) assert.ok(scheme in document.components.securitySchemes, scheme);
    }
  });

  test('names for each function every status that its source may refuse with', () => {
    for (const row of rows) {
      const types = problemTypesIn(join(root, 'functions', `${row.name}.ts`), new Set());
      assert.ok(types.size > 3, 'the walk finds something');
      const documented = Object.keys(operationOf(row).responses);
      for (const type of types) {
        const { status } = PROBLEMS[type];
        assert.ok(documented.includes(String(status)), `${row.name} may answer ${type}; ${status} is not documented`);
      }
    }
  });
});

describe('the document as it is served', () => {
  let stores: Stores;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());

  test('is the generated one, byte for byte, for anyone', async () => {
    const handler = await handlerOf<Record<string, string>>('get-openapi', stores.ports);
    for (const _ of [1, 2]) {
      const url = 'https://api.plumbline.example/v1/openapi.json';
      const answer = await handler(gatewayEventFromRequest({ method: 'GET', url, headers: {} }), {});
      assert.deepEqual(
        [answer.statusCode, answer.headers],
        [200, { 'content-type': 'application/json', 'cache-control': 'no-store' }],
      );
      assert.equal(Buffer.from(answer.body as string, 'base64').toString('utf8'), written);
    }
  });
});

/** Types of problems that a module, or what it imports of functions/, speaks of. */
function problemTypesIn(module: string, seen = new Set<string>()): Set<ProblemType> {
  const types = new Set<ProblemType>();
  // The list of all of them says nothing of any function.
  const isList = relative(root, module) === join('functions', 'answer', 'problem.ts');
  if (seen.has(module) || isList || !relative(root, module).startsWith('functions')) return types;
  seen.add(module);
  const source = readFileSync(module, 'utf8');
  for (const [, type] of source.matchAll(/'(\/problems\/[a-z-]+)'/g)) types.add(type as ProblemType);
  for (const [, path] of source.matchAll(/^(?:import|\} from).*'(\.{1,2}\/[^']+\.ts)';$/gm)) {
    for (const type of problemTypesIn(join(dirname(module), path as string), seen)) types.add(type);
  }
  return types;
}
