import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { counted } from '../../core/counted.ts';
import { LONG_FILES } from './long-files.ts';

/** What a test file took: by the clock, and of the processors, its own programs included. */
export interface FileTime {
  readonly file: string;
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** More than any file takes. */
const ALL_OF_IT_MS = 3_600_000;
/** Of the last run on this machine. */
const KEPT = join(import.meta.dirname, '..', '..', 'build', 'tests', 'times.json');

/**
 * Collects what the processes of the files write down of their work (`bound-file.ts`).
 * @param runAll runs them, and returns what each took by the clock
 */
export async function collectTimes(runAll: () => Promise<ReadonlyMap<string, number>>): Promise<FileTime[]> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-times-'));
  process.env.PLUMB_TEST_TIMES = folder;
  try {
    const wallMs = await runAll();
    const cpuMs = new Map<string, number>();
    for (const name of readdirSync(folder)) {
      const took = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { file: string; cpuMs: number };
      cpuMs.set(relative('.', took.file), took.cpuMs);
    }
    return [...wallMs]
      .map(([file, wall]) => ({ file, wallMs: wall, cpuMs: cpuMs.get(file) ?? 0 }))
      .sort((a, b) => b.wallMs - a.wallMs);
  } finally {
    delete process.env.PLUMB_TEST_TIMES;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Keeps what files took beside what is known of others. */
export function keepTimes(times: readonly FileTime[]): void {
  const known = new Map([...readTimes(), ...times].map((time) => [time.file, time]));
  mkdirSync(dirname(KEPT), { recursive: true });
  writeFileSync(KEPT, `${JSON.stringify([...known.values()], null, 2)}\n`);
}

/** What is known of earlier runs; nothing on a fresh clone. */
export function readTimes(): FileTime[] {
  try {
    return JSON.parse(readFileSync(KEPT, 'utf8')) as FileTime[];
  } catch {
    return [];
  }
}

/**
 * The same files, those that took longest the last time first, so that none of them is left to run alone at the end. Files
 * that were never run here come first when they are known to be long, and last when they are not.
 */
export function longestFirst(files: readonly string[], known: readonly FileTime[] = readTimes()): string[] {
  const took = new Map(known.map(({ file, wallMs }) => [file, wallMs]));
  const long = new Map(LONG_FILES.map((file, place) => [file, (LONG_FILES.length - place) * ALL_OF_IT_MS]));
  const expectedMs = (file: string) => took.get(file) ?? long.get(file) ?? 0;
  return [...files].sort((a, b) => expectedMs(b) - expectedMs(a) || (a < b ? -1 : 1));
}

/** The slowest files and what all took, as a table. */
export function describeTimes(times: readonly FileTime[], most: number): string {
  const row = (wallMs: number, cpuMs: number, name: string) =>
    `${(wallMs / 1000).toFixed(1).padStart(8)} s ${(cpuMs / 1000).toFixed(1).padStart(8)} s  ${name}`;
  const sum = (of: 'wallMs' | 'cpuMs') => times.reduce((total, time) => total + time[of], 0);
  return [
    `The slowest (${Math.min(most, times.length)}) of ${counted(times.length, 'file')}, by the clock and of the processors:`,
    ...times.slice(0, most).map(({ file, wallMs, cpuMs }) => row(wallMs, cpuMs, file)),
    row(sum('wallMs'), sum('cpuMs'), 'all files together'),
  ].join('\n');
}
