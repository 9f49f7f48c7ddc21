/**
 * Completes package-lock.json after `npm install`.
 *
 *     node dev/install/complete-lock.ts [--check]
 *
 * npm leaves out of the lock the optional packages for other platforms that the registry at hand does not have; `npm ci`
 * then refuses that lock everywhere. Here they are entered by name, version and platform, so that `npm ci` passes them by
 * where they do not fit and fetches them where they do.
 *
 * npm leaves out, without a word, an optional package that asks for a newer Node than its own; what we install runs on the
 * Node that comes with it. So binaries of a platform ask for none here.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Locked {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  engines?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];

const path = join(import.meta.dirname, '..', '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, Locked> };
const added: string[] = [];
for (const [place, entry] of Object.entries(lock.packages)) {
  if (entry.optional !== true || entry.os === undefined || !isForNewerNode(entry)) continue;
  delete entry.engines;
  added.push(`${place} for every Node`);
}
for (const [place, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const nested = `${place === '' ? '' : `${place}/`}node_modules/${name}`;
    const top = `node_modules/${name}`;
    const known = [nested, top].map((key) => lock.packages[key]).find((entry) => entry?.version !== undefined);
    const platform = platformOf(name);
    if (known !== undefined || platform === null || !/^\d/.test(version)) continue;
    lock.packages[top] = { version, ...platform, ...(dev === true ? { dev } : {}), optional: true };
    added.push(`${name}@${version}`);
  }
}
if (process.argv.includes('--check')) {
  if (added.length > 0) {
    console.error(`package-lock.json lacks ${added.join(', ')}. Run: node dev/install/complete-lock.ts`);
    process.exitCode = 1;
  }
} else {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(added.length === 0 ? 'Nothing was missing.' : `Entered: ${added.join(', ')}`);
}

/** What a platform package's name says, such as `@scope/cli-linux-x64-musl`; null when it says nothing. */
function platformOf(name: string): Pick<Locked, 'os' | 'cpu' | 'libc'> | null {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : null;
  return os === undefined || cpu === undefined ? null : { cpu: [cpu], os: [os], ...(libc === null ? {} : { libc }) };
}

/** Whether npm's own Node, 20 at the least, may be too old for it. */
function isForNewerNode({ engines }: Locked): boolean {
  return /^>=? ?(2[1-9]|[3-9]\d)/.test(engines?.node ?? '');
}
