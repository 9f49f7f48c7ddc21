/**
 * Reproduces the paper's Figures 3 to 6 and draws them: CSV with every run and SVG, in dev/bench/results/.
 *
 *     node dev/bench/run-figures.ts [--quick] [--embedded] [--only 3,4] [--out FOLDER]
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readUnderLoad } from './figures/read-under-load.ts';
import { retrieveByBlockSize } from './figures/retrieve-by-block-size.ts';
import { verifyByBlockSize } from './figures/verify-by-block-size.ts';
import { writeToDissc } from './figures/write-to-dissc.ts';
import { openOwner } from './parts/open-owner.ts';
import { recordSizes } from './parts/record-sizes.ts';
import { type Parts, startParts } from './parts/start-parts.ts';
import { describeMachine, nameMachine } from './report/describe-machine.ts';
import type { Figure } from './report/figure.ts';
import { writeFigure } from './report/write-figure.ts';

export const RESULTS = join(import.meta.dirname, 'results');

export interface FigureOptions {
  readonly quick: boolean;
  readonly out: string;
  /** Numbers of figures; all when absent. */
  readonly only?: readonly string[];
}

/** Measures each figure on running parts, and draws it. Answers which were not, and why: the others are worth having all the same. */
export async function runFigures(parts: Parts, options: FigureOptions, signal: AbortSignal): Promise<string[]> {
  const machine = nameMachine(describeMachine());
  const { quick, out, only } = options;
  const owner = await openOwner(parts);
  say(`recording blocks of every size`);
  const sized = await recordSizes(owner, 16, signal);
  const figures: Record<string, () => Promise<Figure>> = {
    3: () => verifyByBlockSize(owner, sized, quick ? 2 : 10, signal),
    4: () => writeToDissc(parts, owner, quick ? 2 : 8, signal),
    5: () => readUnderLoad(parts, sized, quick ? 2 : 8, signal),
    6: () => retrieveByBlockSize(parts, owner, sized, quick ? 2 : 15, signal),
  };
  const failed: string[] = [];
  for (const [number, measure] of Object.entries(figures)) {
    if (only !== undefined && !only.includes(number)) continue;
    say(`Figure ${number}`);
    const began = performance.now();
    const figure = await measure().catch((error: unknown) => {
      signal.throwIfAborted();
      failed.push(`Figure ${number}: ${String(error).slice(0, 300)}`);
      return null;
    });
    if (figure === null) continue;
    const notes = [...figure.notes, `On ${parts.named}.`, machine];
    const lines = await writeFigure(out, { ...figure, notes });
    console.log(`${figure.title}: medians (and quartiles), ${figure.y.label}`);
    console.log(lines.join('\n'));
    say(`took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  return failed;
}

function say(what: string): void {
  process.stderr.write(`  … ${what}\n`);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      ...{ quick: { type: 'boolean' }, embedded: { type: 'boolean' }, only: { type: 'string' } },
      out: { type: 'string', default: RESULTS },
    },
  });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
  const parts = await startParts(values.embedded === true ? 'embedded' : 'real', stop.signal);
  try {
    const only = values.only === undefined ? {} : { only: values.only.split(',') };
    const failed = await runFigures(parts, { quick: values.quick === true, out: values.out, ...only }, stop.signal);
    for (const what of failed) console.error(`NOT MEASURED: ${what}`);
    if (failed.length > 0) process.exitCode = 1;
  } finally {
    await parts.stop();
  }
}
