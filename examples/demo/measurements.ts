import { copyFile, mkdir, readFile, utimes } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Real recorded measurements, from the npm package vega-datasets. */
export const FILES = ['co2-concentration.csv', 'earthquakes.json', 'windvectors.csv'] as const;
export const LINES_FILE = 'seattle-weather.csv';

export function measurementPath(name: string): string {
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  return join(dirname(entry), '..', 'data', name);
}

export function readMeasurement(name: string): Promise<Buffer> {
  return readFile(measurementPath(name));
}

/** Puts the files where a device watches. */
export async function layOutFiles(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const anHourAgo = new Date(Date.now() - 3_600_000);
  for (const name of FILES) {
    await copyFile(measurementPath(name), join(folder, name));
    // Old enough that the device need not wait to see that nobody writes them any more.
    await utimes(join(folder, name), anHourAgo, anHourAgo);
  }
}
