import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { requirePrivate } from '../../adapters/keys/require-private.ts';
import {
  createSecretFile,
  isMissingFile,
  readSecretFile,
  readSecretFileSync,
  replaceSecretFile,
} from '../../adapters/keys/secret-file.ts';
import { FileError } from '../../core/errors.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-secret-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const refusedAs = (says: RegExp) => (error: unknown) => error instanceof FileError && says.test(error.message);

function written(name: string, mode: number, content = 'secret'): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe('a private file', () => {
  test('is one that neither the group nor others can read, write or run', async () => {
    for (const bit of [0o040, 0o020, 0o010, 0o004, 0o002, 0o001]) {
      const path = written(`mode-${bit}`, 0o600 | bit);
      await assert.rejects(readSecretFile(path), refusedAs(/must be 0600\. Run: chmod 600 /), bit.toString(8));
    }
    for (const mode of [0o600, 0o400]) assert.equal(await readSecretFile(written(`mode-${mode}`, mode)), 'secret');
  });

  test('is one’s own, whatever its mode', () => {
    const stat = statSync(written('own', 0o600));
    requirePrivate('own', stat);
    assert.throws(
      () => requirePrivate('a.json', Object.assign(stat, { uid: stat.uid + 1 })),
      refusedAs(/a\.json belongs to user/),
    );
  });

  test('is told of a folder in the folder’s words', () => {
    const path = join(folder, 'open');
    mkdirSync(path, { mode: 0o755 });
    assert.throws(
      () => requirePrivate(path, statSync(path)),
      refusedAs(/has mode 0755.+ must be 0700\. Run: chmod 700/),
    );
  });

  test('is looked at where it is: a link to an open file is refused, a link to a private one is read', async () => {
    const [open, mine] = [join(folder, 'to-open'), join(folder, 'to-mine')];
    symlinkSync(written('target-open', 0o644), open);
    symlinkSync(written('target-mine', 0o600), mine);
    await assert.rejects(readSecretFile(open), refusedAs(/has mode 0644/));
    assert.equal(await readSecretFile(mine), 'secret');
  });

  test('is a plain file, neither a folder nor a pipe that nobody writes to', async () => {
    const inner = join(folder, 'inner');
    mkdirSync(inner, { mode: 0o700 });
    await assert.rejects(readSecretFile(inner), refusedAs(/is not a plain file/));
    const pipe = join(folder, 'pipe');
    execFileSync('/bin/sh', ['-c', 'mkfifo -m 600 "$0"', pipe]);
    // In a process of its own, which ends: opening a pipe can wait for ever.
    const module = new URL('../../adapters/keys/secret-file.ts', import.meta.url).href;
    const program = `import { readSecretFileSync } from '${module}';
      try { readSecretFileSync(process.argv[1]); } catch (error) { console.log(error.message); }`;
    const args = ['--input-type=module', '--eval', program, pipe];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
    assert.match(stdout, /is not a plain file/);
  });

  test('has at most as many bytes as its reader takes', () => {
    const path = written('long', 0o600, 'x'.repeat(11));
    assert.equal(readSecretFileSync(path, 11).length, 11);
    assert.throws(() => readSecretFileSync(path, 10), refusedAs(/has 11 bytes; at most 10 are read/));
    const whole = written('longest', 0o600, 'x'.repeat(2 ** 20));
    assert.equal(readSecretFileSync(whole).length, 2 ** 20);
    assert.throws(
      () => readSecretFileSync(written('over', 0o600, 'x'.repeat(2 ** 20 + 1))),
      refusedAs(/at most 1048576/),
    );
  });

  test('that is missing is told from one that cannot be used', async () => {
    const missing = await readSecretFile(join(folder, 'nowhere')).catch((error: unknown) => error);
    assert.ok(isMissingFile(missing));
    const loose = await readSecretFile(written('loose', 0o644)).catch((error: unknown) => error);
    assert.ok(loose instanceof FileError && !isMissingFile(loose));
  });
});

describe('a secret that is written', () => {
  test('replaces nothing by accident, and nobody else can read it', async () => {
    const path = join(folder, 'made');
    await createSecretFile(path, 'first');
    assert.equal(modeOf(path), '600');
    await assert.rejects(createSecretFile(path, 'second'), refusedAs(/exists already, and is never replaced/));
    assert.equal(readFileSync(path, 'utf8'), 'first');
  });

  test('replaces what was there at once, and leaves nothing beside it', async () => {
    const path = written('replaced', 0o644, 'old');
    await replaceSecretFile(path, 'new');
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.equal(modeOf(path), '600');
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.new')),
      [],
    );
  });

  test('takes away what a process that was killed while it wrote has left, and nothing else', async () => {
    const path = written('swept', 0o600, 'old');
    const anHourAgo = new Date(Date.now() - 3_600_000);
    const leftover = (name: string, since: Date): string => {
      const left = written(name, 0o600);
      utimesSync(left, since, since);
      return name;
    };
    leftover('swept.4711.new', anHourAgo);
    const kept = [
      // Just now: another process may be writing it.
      leftover('swept.4712.new', new Date()),
      // Of another file, and by names that are none of ours.
      leftover('other.4711.new', anHourAgo),
      leftover('swept.4711.new.bak', anHourAgo),
      leftover('swept.mine.new', anHourAgo),
    ];
    await replaceSecretFile(path, 'new');
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.includes('.new')),
      kept.toSorted(),
    );
    for (const name of kept) rmSync(join(folder, name));
  });

  test('into a folder that is not there is told by the file’s name', async () => {
    const path = join(folder, 'no', 'where');
    await assert.rejects(createSecretFile(path, 'x'), refusedAs(/where cannot be used \(ENOENT\)/));
    await assert.rejects(replaceSecretFile(path, 'x'), refusedAs(/where cannot be used \(ENOENT\)/));
  });
});
