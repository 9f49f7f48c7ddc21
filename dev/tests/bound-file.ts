import { after } from 'node:test';

/*
 * Loaded into the process of every test file: the runner bounds a test, but waits for ever for a file whose process does
 * not end. Real programs that it started end with it.
 */
const FILE_MS = 20 * 60_000;
const AFTER_TESTS_MS = 60_000;

after(() => endIn(AFTER_TESTS_MS, 'its tests have ended, but its process goes on'));
endIn(FILE_MS, `not through after ${FILE_MS / 60_000} minutes`);

function endIn(ms: number, reason: string): void {
  setTimeout(() => {
    process.stderr.write(`${process.argv[1]}: ${reason}. Open: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit(1);
  }, ms).unref();
}
