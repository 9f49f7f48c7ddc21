import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, mock, test } from 'node:test';
import { createProgram } from '../../cli/create-program.ts';
import { createOutput } from '../../cli/output.ts';
import { openByPassword } from '../../cli/prompt-password.ts';
import { FileError, KeyError } from '../../core/errors.ts';

const ID = `0x${'1'.repeat(64)}`;
const ACCOUNT = `0x${'1'.repeat(40)}`;

/** Complete command lines of commands that ask for a password, each on a stack that is not there. */
const ASKING = [
  'dataset create weather',
  `owner verify ${ID}`,
  `owner get ${ID} --out OUT`,
  `owner publish ${ID}`,
  `owner link ${ID} 0=bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy`,
  'owner agent --out OUT',
  'owner offers',
  `owner cancel ${ID}`,
  `owner close ${ID}`,
  `owner grants`,
  'owner withdraw',
  `owner prove ${ID} --blocks 0 --out OUT`,
  `owner auditor ${ID} --out OUT`,
  'consumer withdraw',
  `consumer status ${ID}`,
  `consumer accept ${ID}`,
  `consumer audit ${ID}`,
  `consumer fetch ${ID} --out OUT`,
  `owner authorise ${ID} --css ${ACCOUNT}`,
  'fleet provision --count 2 --out OUT',
];

let home: string;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'plumbline-passwords-'));
  await writeFile(join(home, 'keystore.json'), '{}', { mode: 0o600 });
});

after(() => rm(home, { recursive: true, force: true }));

/** What a command says on standard error, in this process. */
async function saidBy(line: string): Promise<string> {
  const args = line.replace('OUT', join(home, 'out')).split(' ');
  const said: string[] = [];
  const writing = mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0);
  try {
    const program = await createProgram('0.0.0', args);
    await program.parseAsync([...args, '--home', home, '--stack', join(home, 'stack.json')], { from: 'user' });
  } finally {
    writing.mock.restore();
    process.exitCode = undefined;
  }
  return said.join('');
}

describe('a password is not asked for before the rest was checked', () => {
  for (const line of ASKING) {
    test(`plumb ${line.split(' ').slice(0, 2).join(' ')}`, async () => {
      const said = await saidBy(line);
      assert.doesNotMatch(said, /There is no terminal to ask/);
      assert.match(said, /There is no .*stack\.json|must be|lists no|it lists: /);
    });
  }

  test('nor where there is no keystore, nor for arguments that do not go together', async () => {
    assert.match(await saidBy(`owner prove ${ID} --out OUT`), /Give one of --blocks, --file/);
    assert.match(await saidBy(`owner verify ${ID} --from s3`), /Add --protocol II/);
  });
});

describe('a mistyped password', () => {
  const context = { output: createOutput(true), signal: new AbortController().signal, passwordFile: undefined };
  const typing = (words: string[]) => async () => words.shift() ?? 'none';
  const open = async (password: string) => {
    if (password !== 'right') throw new KeyError('The password does not open it.');
    return 'open';
  };

  test('is asked for again, three times in all', async () => {
    assert.equal(await openByPassword(context, open, typing(['wrong', 'wrong', 'right'])), 'open');
    const words = ['wrong', 'wrong', 'wrong', 'right'];
    await assert.rejects(openByPassword(context, open, typing(words)), KeyError);
    assert.deepEqual(words, ['right']);
  });

  test('that came from a file is not, nor is a keystore that is none', async () => {
    const words = ['wrong', 'right'];
    await assert.rejects(openByPassword({ ...context, passwordFile: 'x' }, open, typing(words)), KeyError);
    const broken = async () => Promise.reject(new FileError('It is no keystore.'));
    await assert.rejects(openByPassword(context, broken, typing(words)), FileError);
    assert.deepEqual(words, []);
  });
});
