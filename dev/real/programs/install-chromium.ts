import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { runStep } from './run-step.ts';
import { STARTED_BY } from './versions.ts';

const TIMEOUT_MS = 10 * 60_000;
const PROGRAM = '/usr/bin/chromium';
const DEBIAN = ['chromium', 'fonts-dejavu-core'];

/**
 * Debian's Chromium, installed in the system unless it is there: it needs some two hundred libraries of it.
 * @throws Error where apt refuses, as it does to whoever is not root
 */
export async function installChromium(folder: string): Promise<void> {
  const step = (...parameters: string[]) =>
    runStep('apt-get', parameters, {
      folder,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      timeoutMs: TIMEOUT_MS,
    });
  if (!existsSync(PROGRAM)) {
    const install = () => step('install', '--yes', '--no-install-recommends', ...DEBIAN);
    await install().catch(async () => {
      await step('update');
      await install();
    });
  }
  await symlink(PROGRAM, join(folder, STARTED_BY.chromium));
}
