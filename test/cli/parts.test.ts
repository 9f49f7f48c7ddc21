import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createProgram } from '../../cli/create-program.ts';
import { PARTS, SINGLES } from '../../cli/parts.ts';

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

  test('answers a name that is no command with all commands of the part, even a name that every object has', async () => {
    assert.deepEqual(await commandsOf('device', 'toString'), ['run', 'status', 'salvage', 'provision', 'replace']);
  });
});
