import { installAll } from './install-all.ts';
import { type RealProgram, VERSIONS } from './versions.ts';

/** Installs all programs that the real tests run on, or those named. */
const all = Object.keys(VERSIONS);
const named = process.argv.slice(2);
const unknown = named.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(' and no ')}. There are ${all.join(', ')}.`);
  process.exitCode = 2;
} else {
  const done = await installAll((named.length > 0 ? named : all) as RealProgram[]);
  process.exitCode = done ? 0 : 1;
}
