import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { utf8 } from '../../core/bytes.ts';
import { describeService } from '../../functions/openapi/describe-service.ts';
import type { RouteName } from '../../functions/table.ts';
import { type Stores, startStores } from '../functions/start-service.ts';
import { type Schema, validValue, violations } from './schema-cases.ts';
import { type Answer, createCaller } from './service-under-test.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: Schema;
}

interface Operation {
  readonly operationId: RouteName;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
  readonly responses: Readonly<Record<string, unknown>>;
}

/** The document is all that is known of the service here, as to whoever reads it. */
const { paths } = JSON.parse(JSON.stringify(describeService())) as {
  paths: Record<string, Record<string, Operation>>;
};
const operations = Object.entries(paths).flatMap(([path, byMethod]) =>
  Object.values(byMethod).map((operation) => ({ path, operation })),
);

/** A request as the document has it, with one parameter replaced (undefined: left out). */
function target(path: string, operation: Operation, replaced: Readonly<Record<string, unknown>> = {}): string {
  const wanted = ({ name, schema }: Parameter) => (name in replaced ? replaced[name] : validValue(schema));
  const parameters = operation.parameters ?? [];
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = parameters.find((one) => one.name === name) as Parameter;
    return encodeURIComponent(String(wanted(parameter)));
  });
  const query = parameters
    .filter((one) => one.in === 'query' && (one.required || one.name in replaced) && wanted(one) !== undefined)
    .map((one) => `${one.name}=${encodeURIComponent(String(wanted(one)))}`);
  return query.length === 0 ? filled : `${filled}?${query.join('&')}`;
}

function bodyOf(operation: Operation): Schema | undefined {
  return operation.requestBody?.content['application/json'].schema;
}

const json = (value: unknown) => utf8(JSON.stringify(value));

describe('what the document says of requests holds at run time', () => {
  let stores: Stores;
  let call: ReturnType<typeof createCaller>;
  before(async () => {
    stores = await startStores();
    call = createCaller(stores.ports);
  });
  after(() => stores.close());

  function assertRefused(answer: Answer, what: string): void {
    assert.equal(answer.statusCode, 400, `${what}: ${answer.statusCode} ${answer.text}`);
    const problem = JSON.parse(answer.text);
    assert.equal(problem.type, '/problems/bad-request', what);
    assert.match(problem.detail, /^(path|query|body)/, `${what} names the field`);
  }

  for (const { path, operation } of operations) {
    const { operationId, parameters = [] } = operation;
    const schema = bodyOf(operation);
    const validBody = schema === undefined ? undefined : json(validValue(schema));

    test(`${operationId}: what the document allows is not a bad request, and its answer is documented`, async () => {
      const every = Object.fromEntries(
        parameters.filter(({ name }) => name !== 'cursor').map((one) => [one.name, validValue(one.schema, 1)]),
      );
      for (const replaced of [{}, every]) {
        const answer = await call(operationId, target(path, operation, replaced), validBody);
        assert.ok([200, 403, 404].includes(answer.statusCode), `${answer.statusCode} ${answer.text}`);
        assert.ok(String(answer.statusCode) in operation.responses, `${answer.statusCode} is documented`);
      }
    });

    for (const parameter of parameters) {
      test(`${operationId}: every constraint of ${parameter.name} in the ${parameter.in}`, async () => {
        // A parameter travels as text, so every text is one where the schema says no more.
        const isText = parameter.schema.type === 'string';
        const broken = violations(parameter.schema, parameter.name).filter(
          ({ what, value }) =>
            !(
              what.includes(' type ') &&
              (typeof value === 'object' || (isText && parameter.schema.pattern === undefined))
            ),
        );
        assert.ok(broken.length > 0);
        for (const { what, value } of broken) {
          if (value === '' && parameter.in === 'path') continue;
          assertRefused(await call(operationId, target(path, operation, { [parameter.name]: value }), validBody), what);
        }
        if (parameter.in === 'query' && parameter.required) {
          const left = target(path, operation, { [parameter.name]: undefined });
          assertRefused(await call(operationId, left, validBody), `${parameter.name} left out`);
        }
      });
    }

    test(`${operationId}: a query that the document does not have, or has once`, async () => {
      const valid = target(path, operation);
      const mark = valid.includes('?') ? '&' : '?';
      assertRefused(await call(operationId, `${valid}${mark}unknown=1`, validBody), 'unknown');
      assertRefused(await call(operationId, `${valid}${mark}unknown=1&unknown=1`, validBody), 'twice');
    });

    if (schema === undefined) continue;
    test(`${operationId}: every constraint of its body`, async () => {
      const broken = violations(schema, 'body');
      assert.ok(broken.length > 5);
      for (const { what, value } of broken) {
        assertRefused(await call(operationId, target(path, operation), json(value)), what);
      }
    });

    test(`${operationId}: a body that is no JSON, or none at all`, async () => {
      const bodies = ['{', '{"a":1}{', '\ufeff{}', 'NaN', '[1,]', "{'a':1}", '"\\ud800"', '1e999', '__proto__'];
      for (const text of bodies) assertRefused(await call(operationId, target(path, operation), utf8(text)), text);
      const notUtf8 = Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d);
      assertRefused(await call(operationId, target(path, operation), notUtf8), 'not UTF-8');
      assertRefused(await call(operationId, target(path, operation)), 'no body');
      const deep = '['.repeat(500) + ']'.repeat(500);
      assertRefused(await call(operationId, target(path, operation), utf8(deep)), 'deeply nested');
      const polluting = utf8('{"__proto__":{"blocks":[1]},"constructor":{}}');
      assertRefused(await call(operationId, target(path, operation), polluting), '__proto__');
    });
  }
});
