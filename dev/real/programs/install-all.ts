import { installProgram } from './install-program.ts';
import { missingToolchains } from './toolchains.ts';
import type { RealProgram } from './versions.ts';

/** Those that Go builds, which takes minutes of a processor each. */
const BUILT: readonly RealProgram[] = ['actionlint', 'versitygw', 'geth', 'kubo'];

/**
 * Installs these programs: built ones one after the other, while those that only wait for downloads go on beside them.
 * False, with loud words, when a toolchain is missing or one could not be installed.
 */
export async function installAll(programs: readonly RealProgram[]): Promise<boolean> {
  const missing = missingToolchains(programs);
  if (missing.length > 0) {
    shout(['The real programs cannot be installed or run here:', ...missing]);
    return false;
  }
  const inOrder = async (some: readonly RealProgram[]) => {
    for (const program of some) await installProgram(program, (line) => console.log(line));
  };
  const isBuilt = (program: RealProgram) => BUILT.includes(program);
  const settled = await Promise.allSettled([
    inOrder(BUILT.filter((program) => programs.includes(program))),
    inOrder(programs.filter((program) => !isBuilt(program))),
  ]);
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  if (failures.length > 0) shout(failures);
  return failures.length === 0;
}

function shout(lines: readonly string[]): void {
  console.error(`\n${lines.map((line) => `!!! ${line}`).join('\n')}\n`);
}
