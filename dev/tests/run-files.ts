import { join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { collectTimes, type FileTime } from './file-times.ts';

const TEST_MS = 15 * 60_000;
/** Into the process of each file, in this order. */
export const LOADED_FIRST = ['quicken-runner.ts', 'bound-file.ts'];
/** Lines of each failure at the end. */
const MOST_LINES = 12;

export interface Ran {
  readonly passed: boolean;
  /** The counts in words. */
  readonly summary: string;
  /** Tests that failed, each with its file. */
  readonly failures: readonly string[];
  /** What each file took, the slowest first. */
  readonly times: readonly FileTime[];
}

/**
 * Runs test files in the order given, each in a process of its own, and prints how they went. A skipped test, an unfinished
 * one and an empty run are failures: nothing may pass by not being run.
 */
export async function runFiles(files: readonly string[], concurrency: number): Promise<Ran> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const wallMs = new Map<string, number>();
  const failures: string[] = [];
  const times = await collectTimes(async () => {
    const execArgv = LOADED_FIRST.flatMap((file) => ['--import', join(import.meta.dirname, file)]);
    const stream = run({ files, concurrency, timeout: TEST_MS, execArgv });
    stream.on('test:pass', (event) => {
      if (event.skip !== undefined || event.todo !== undefined) counts.skipped += 1;
      else if (event.details.type !== 'suite') counts.passed += 1;
    });
    stream.on('test:fail', (event) => {
      if (event.details.type === 'suite') return;
      counts.failed += 1;
      failures.push(`${relative('.', event.file ?? '')}: ${event.name}\n  ${causeOf(event.details.error)}`);
    });
    stream.on('test:complete', ({ name, file, details }) => {
      // The process of a file is itself a test, called by its path.
      if (file !== undefined && resolve(name) === file) wallMs.set(relative('.', file), details.duration_ms);
    });
    const reported = stream.compose(new spec());
    reported.pipe(process.stdout);
    await new Promise((resolve, reject) => reported.once('end', resolve).once('error', reject));
    return wallMs;
  });
  return {
    passed: counts.passed > 0 && counts.failed + counts.skipped === 0,
    summary: `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
    failures,
    times,
  };
}

/** Enough of an error to know which one it was where only the end of the output is kept. */
function causeOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return cause.message.split('\n').slice(0, MOST_LINES).join('\n  ');
}
