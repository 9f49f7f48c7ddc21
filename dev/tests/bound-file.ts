import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';

/*
 * Loaded into the process of every test file: the runner bounds a test, but waits for ever for a file whose process does
 * not end. Real programs that it started end with it. What it took of the processors is written down where
 * PLUMB_TEST_TIMES says.
 */
const FILE_MS = 20 * 60_000;
const AFTER_TESTS_MS = 60_000;
/** Linux counts in hundredths of a second, whatever the kernel's own tick is (USER_HZ, proc(5)). */
const MS_PER_TICK = 10;

after(() => endIn(AFTER_TESTS_MS, 'its tests have ended, but its process goes on'));
endIn(FILE_MS, `not through after ${FILE_MS / 60_000} minutes`);

const folder = process.env.PLUMB_TEST_TIMES;
if (folder !== undefined) {
  process.on('exit', () => {
    const took = { file: process.argv[1], cpuMs: cpuOfSelfMs() + cpuOfChildrenMs() };
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(took));
  });
}

function endIn(ms: number, reason: string): void {
  setTimeout(() => {
    process.stderr.write(`${process.argv[1]}: ${reason}. Open: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit(1);
  }, ms).unref();
}

function cpuOfSelfMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Of the programs that it started and that have ended; 0 where there is no /proc. */
function cpuOfChildrenMs(): number {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // The name, in parentheses, may have spaces; cutime and cstime are the 14th and 15th field behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) * MS_PER_TICK;
  } catch {
    return 0;
  }
}
