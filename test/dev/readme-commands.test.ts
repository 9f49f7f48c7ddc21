import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createProgram } from '../../cli/create-program.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const DOCUMENTS = ['README.md', 'docs/first-steps.md', 'docs/console.md', 'docs/device-install.md', 'docs/serve.md'];

/** Each block of README that a shell runs, by a command in it: which test runs its commands, or why none does. */
const RUN_BY: Readonly<Record<string, { readonly test: string } | { readonly because: string }>> = {
  'npm ci && bin/plumb try': { test: 'test/cli/try.test.ts' },
  'npm run demo': { test: 'test/demo/demo.test.ts' },
  'npm run test:touched': {
    because: 'it runs the tests themselves; test/dev/choose-tests.test.ts has what it chooses',
  },
  'plumb local up': { test: 'test/cli/local-up.test.ts' },
  'plumb owner init': { test: 'test/cli/owner.test.ts' },
  'plumb device run': { test: 'test/device/device-on-stack.test.ts' },
  'plumb owner verify': { test: 'test/cli/owner.test.ts' },
  'plumb device replace': { test: 'test/cli/owner.test.ts' },
  '../examples/verify.py': { test: 'test/examples/python.test.ts' },
  'plumb owner authorise': { test: 'test/cli/owner-sale.test.ts' },
  'plumb consumer accept': { test: 'test/cli/consumer-sale.test.ts' },
  '../examples/verify.ts': { test: 'test/library/library.test.ts' },
};

const blocksOf = (document: string) =>
  [...read(document).matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block as string);

test('each block of README that a shell runs is run by a test, or says why not', () => {
  const named = Object.entries(RUN_BY);
  for (const block of blocksOf('README.md')) {
    const found = named.filter(([command]) => block.includes(command));
    assert.ok(found.length > 0, `No test is named for\n${block}`);
  }
  for (const [command, by] of named) {
    assert.ok(
      blocksOf('README.md').some((block) => block.includes(command)),
      `README has no ${command}`,
    );
    if ('because' in by) continue;
    const word = command.split(/[ /]/).at(-1) as string;
    assert.match(read(by.test), new RegExp(`\\b${word.replace('.', '\\.')}\\b`), `${by.test} does not run ${command}`);
  }
});

test('every command line in the documents has the arguments and options that the command takes', async () => {
  let lines = 0;
  for (const document of DOCUMENTS) {
    const text = blocksOf(document).join('\n').replaceAll('\\\n', ' ');
    for (const [, words] of text.matchAll(/\bplumb ((?:[a-z]+ ?)+[^\n|;#&>]*)/g)) {
      await checkArguments(document, (words as string).trim());
      lines++;
    }
  }
  assert.ok(lines > 40, `${lines} lines`);
});

async function checkArguments(document: string, line: string): Promise<void> {
  const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, one, two, three]) => one ?? two ?? three ?? '',
  );
  let command = await createProgram('0.0.0', words);
  let at = 0;
  for (;;) {
    const next = command.commands.find((one) => one.name() === words[at]);
    if (next === undefined) break;
    command = next.exitOverride().configureOutput({ writeErr: () => {} });
    at++;
  }
  const where = `${document}: plumb ${line}`;
  assert.ok(at > 0 && command.commands.length === 0, `${where}: no such command`);
  const { operands, unknown } = command.parseOptions(words.slice(at));
  assert.deepEqual(unknown, [], where);
  const { registeredArguments: wanted } = command;
  assert.ok(operands.length >= wanted.filter(({ required }) => required).length, `${where}: an argument is missing`);
  assert.ok(operands.length <= wanted.length || wanted.at(-1)?.variadic === true, `${where}: too many arguments`);
  for (const option of command.options.filter(({ mandatory }) => mandatory)) {
    assert.notEqual(command.getOptionValue(option.attributeName()), undefined, `${where}: lacks ${option.flags}`);
  }
}
