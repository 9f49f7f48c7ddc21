import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';

/* What `npm pack` would publish, without a registry; pack.real.ts installs it. */

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

interface Manifest {
  readonly name: string;
  readonly dependencies: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>;
}

let paths: readonly string[];
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

before(async () => {
  const command = ['pack', '--dry-run', '--json'];
  const { stdout } = await run('npm', command, { cwd: root, env, timeout: 300_000, maxBuffer: 16 * 2 ** 20 });
  const [{ files }] = JSON.parse(stdout.slice(stdout.indexOf('[\n')));
  paths = files.map(({ path }: { path: string }) => path);
});

test('the package holds compiled code with types, the command, the pages, the interface’s description, and nothing else', () => {
  const allowed =
    /^(package\.json|README\.md|LICENSE|bin\/plumb|docs\/openapi\.json|build\/console\/(check\.html|app\/((console|worker)(-[A-Z0-9]{8})?\.js|console\.css|index\.html|icon\.svg))|build\/package\/(.+\.js|.+\.d\.ts|package\.json))$/;
  assert.deepEqual(
    paths.filter((path) => !allowed.test(path)),
    [],
  );
  for (const path of paths.filter((one) => one.startsWith('build/package/') && one.endsWith('.js'))) {
    assert.ok(paths.includes(path.replace(/\.js$/, '.d.ts')), path);
  }
  for (const part of ['core', 'client', 'device', 'adapters', 'library', 'cli']) {
    assert.ok(
      paths.some((path) => path.startsWith(`build/package/${part}/`)),
      part,
    );
  }
});

test('every import of it leads to a file of it, or to a package that is installed with it', () => {
  const builtIn = (name: string) => name.startsWith('node:');
  for (const path of paths.filter((one) => /\.(js|d\.ts)$/.test(one))) {
    const source = readFileSync(join(root, path), 'utf8');
    for (const [, specifier] of source.matchAll(/(?:\bfrom |\bimport\(|^import )['"]([^'"\s]{1,200})['"]/gm)) {
      const name = specifier as string;
      if (name.startsWith('.')) {
        const target = join(dirname(path), name);
        assert.ok(paths.includes(target), `${path} imports ${name}`);
      } else if (name === manifest.name || name.startsWith(`${manifest.name}/`)) {
        // Examples import what a program does.
        const subpath = `.${name.slice(manifest.name.length)}`;
        const isOpened = Object.keys(manifest.exports).some((exported) =>
          exported.endsWith('*') ? subpath.startsWith(exported.slice(0, -1)) : exported === subpath,
        );
        assert.ok(isOpened, `${path} shows ${name}`);
      } else if (!builtIn(name)) {
        const [scope, rest] = name.split('/');
        const wanted = name.startsWith('@') ? `${scope}/${rest}` : (scope as string);
        // Types of Lambda's events are a matter of who deploys.
        assert.ok(wanted in manifest.dependencies || wanted === 'aws-lambda', `${path} imports ${name}`);
      }
    }
  }
});

test('what is exported is there', () => {
  for (const [name, target] of Object.entries(manifest.exports)) {
    for (const path of typeof target === 'string' ? [target] : Object.values(target)) {
      const folder = path.split('*')[0] as string;
      assert.ok(existsSync(join(root, folder)), `${name}: ${path}`);
    }
  }
});

test('nobody is given a platform’s programs', () => {
  assert.deepEqual(Object.keys(manifest.optionalDependencies ?? {}), []);
  for (const name of Object.keys(manifest.dependencies))
    assert.doesNotMatch(name, /linux|darwin|win32|aws-cdk|typescript/);
});

test('the compiled command line runs', async () => {
  const command = [join(root, 'build', 'package', 'cli', 'plumb.js'), 'fleet', '--help'];
  const { stdout } = await run(process.execPath, command, { timeout: 60_000 });
  assert.match(stdout, /provision/);
});
