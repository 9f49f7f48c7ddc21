import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { readBoundedFile, readBoundedText } from '../../cli/read-bounded-file.ts';
import { FileError } from '../../core/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'plumbline-bounded-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const bound = { maxBytes: 4, ifLarger: 'Cut it.' };
const refused = (says: RegExp) => (error: unknown) => error instanceof FileError && says.test(error.shortMessage);

it('reads a file up to its bound, and refuses what is longer, missing, not plain or not text', async () => {
  writeFileSync(at('four'), 'four');
  assert.equal(await readBoundedText(at('four'), bound), 'four');
  writeFileSync(at('empty'), '');
  assert.equal((await readBoundedFile(at('empty'), bound)).length, 0);
  writeFileSync(at('five'), 'fives');
  await assert.rejects(readBoundedFile(at('five'), bound), refused(/five has 5 bytes; at most 4 are read\. Cut it\./));
  await assert.rejects(readBoundedFile(at('none'), bound), refused(/^There is no file .*none\.$/));
  await assert.rejects(readBoundedFile(folder, bound), refused(/is not a plain file/));
  // Nobody writes to it: opening it as a plain file is would wait for ever.
  execFileSync('/bin/sh', ['-c', 'mkfifo "$0"', at('pipe')]);
  await assert.rejects(readBoundedFile(at('pipe'), bound), refused(/is not a plain file/));
  writeFileSync(at('bytes'), Buffer.from([0xff, 0xfe]));
  await assert.rejects(readBoundedText(at('bytes'), bound), refused(/is not text in UTF-8/));
});
