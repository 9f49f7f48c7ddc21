import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createProgram } from '../../cli/create-program.ts';
import { PARTS, SINGLES } from '../../cli/parts.ts';
import { runPlumb } from './run-plumb.ts';

async function commandsOf(part: string, called?: string): Promise<string[]> {
  const program = await createProgram('1.2.3', called === undefined ? [part] : [part, called]);
  const found = program.commands.find((command) => command.name() === part);
  return (found?.commands ?? []).map((command) => command.name());
}

for (const [name, { commands }] of Object.entries(PARTS)) {
  describe(`plumb ${name}`, () => {
    test('lists every command under the name that is typed, and nothing besides', async () => {
      assert.deepEqual(await commandsOf(name), Object.keys(commands));
    });

    for (const called of Object.keys(commands)) {
      test(`finds ${called} when it is called`, async () => {
        assert.ok((await commandsOf(name, called)).includes(called));
      });
    }
  });
}

describe('plumb', () => {
  test('lists all parts, whichever is called', async () => {
    const program = await createProgram('1.2.3', ['owner', 'close']);
    assert.deepEqual(
      program.commands.map((command) => command.name()),
      [...Object.keys(PARTS), ...Object.keys(SINGLES)],
    );
  });

  test('says that a word is not a command where a part has a command that stands for it alone', async () => {
    const ended = await runPlumb(['keys', 'TYPO']);
    assert.equal(ended.exitCode, 2);
    assert.match(ended.stderr, /^error: unknown command 'TYPO'$/m);
  });

  test('answers a name that is no command with all commands of the part, even a name that every object has', async () => {
    assert.deepEqual(await commandsOf('device', 'toString'), ['run', 'status', 'salvage', 'provision', 'replace']);
  });
});
