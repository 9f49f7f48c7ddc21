import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { StateError } from '../../../core/errors.ts';
import { COMPLETE_WITH, type RealProgram, STARTED_BY, VERSIONS } from './versions.ts';

/** Where a program is installed, or will be: `$PLUMBLINE_CACHE` or `~/.cache/plumbline`, by name and version. */
export function programFolder(program: RealProgram): string {
  const cache = process.env.PLUMBLINE_CACHE ?? join(homedir(), '.cache', 'plumbline');
  return join(cache, `${program}-${VERSIONS[program]}`);
}

export function isInstalled(program: RealProgram): boolean {
  return existsSync(join(programFolder(program), COMPLETE_WITH[program]));
}

/** The file (or, for jars, the folder) that an installed program is started by. @throws StateError when it is missing */
export function findProgram(program: RealProgram): string {
  if (isInstalled(program)) return join(programFolder(program), STARTED_BY[program]);
  throw new StateError(
    `${program} ${VERSIONS[program]} is not in ${programFolder(program)}. Run: node dev/real/programs/install.ts`,
  );
}
