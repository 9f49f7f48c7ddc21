import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { outboxPathOf } from '../../cli/device/outbox-path.ts';

/* Whoever follows the documents and then says `git add .` adds no key, no device's file and no data. */

const root = join(import.meta.dirname, '..', '..');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

test('git ignores everything that the commands of README make', () => {
  const made = madeBy([...textOf('README.md').matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block as string));
  const known = ['stack', 'owner', 'device.json', 'device.outbox', 'readings', 'restored', 'agent.json', 'consumer'];
  for (const name of [...known, 'bought']) assert.ok(made.includes(`try/${name}`), `README makes no try/${name}`);
  assert.deepEqual(notIgnored(made), []);
});

test('git ignores what single commands in the documents make in the root', () => {
  for (const document of ['README.md', 'docs/device-install.md']) {
    const inline = [...textOf(document).matchAll(/`(plumb [^`]+)`|^ {4}(plumb .*)$/gm)];
    const made = madeBy(inline.map(([, quoted, indented]) => (quoted ?? indented) as string));
    assert.ok(made.length > 0, `${document} has no command that makes a file`);
    assert.deepEqual(notIgnored(made), [], document);
  }
});

test('what is in the tree is not ignored', () => {
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--ignored', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(stdout, '');
});

/** Paths, from the root, that blocks of shell commands make. A block with `cd` starts in the root, others where the last ended. */
function madeBy(blocks: readonly string[]): string[] {
  const made: string[] = [];
  let folder = '';
  for (const block of blocks) {
    if (/\bcd /.test(block)) folder = '';
    const commands = block.split('\n').flatMap((line) => line.replace(/ #.*/, '').split('&&'));
    for (const command of commands.map((text) => text.trim())) {
      made.push(...pathsOf(command).map((path) => posix.normalize(posix.join(folder, path.replace('$PWD/', '')))));
      const entered = /^cd (\S+)/.exec(command)?.[1];
      if (entered !== undefined) folder = posix.join(folder, entered);
    }
  }
  return [...new Set(made)].map((path) => path.replace(/\/$/, ''));
}

function pathsOf(command: string): string[] {
  const outputs = [...command.matchAll(/(?:--out|--data|mkdir -p) (\S+)|PLUMB_HOME="([^"]+)"/g)];
  const provision = /device run .*--provision (\S+)/.exec(command)?.[1];
  return [
    ...outputs.map(([, path, home]) => (path ?? home) as string),
    ...(provision === undefined ? [] : [posix.basename(outboxPathOf(provision))]),
  ].filter((path) => path !== 'FILE');
}

/** Paths that may be files or folders with something in them. */
function notIgnored(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    const name = /\.json$/.test(path) ? path : `${path}/anything`;
    return spawnSync('git', ['check-ignore', '--quiet', '--no-index', name], { cwd: root }).status !== 0;
  });
}
