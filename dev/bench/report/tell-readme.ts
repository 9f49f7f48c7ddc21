/**
 * Writes what `npm run bench` has measured into README.md, between its marks.
 *
 *     node dev/bench/report/tell-readme.ts [FOLDER OF RESULTS]
 *
 * What was measured while others had work on the machine, or in few repetitions, is not written there.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GOALS_FILE, goalOf, isHeld, type Measured, show } from './goal.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const README = join(ROOT, 'README.md');
const BEGIN = /^<!-- measured: from here .*-->$/m;
const END = '<!-- measured: end -->';
/** Load average above which a figure is one of a busy machine. */
const MOST_LOAD = 2;

interface Results {
  readonly notes: readonly string[];
  readonly rows: readonly Measured[];
}

/** Answers what was done. */
export async function tellReadme(folder: string): Promise<string> {
  const results = JSON.parse(await readFile(join(folder, GOALS_FILE), 'utf8')) as Results;
  const refusal = whyNot(results);
  if (refusal !== null) return `README.md stays as it is: ${refusal}`;
  const { amsterdam } = JSON.parse(await readFile(join(ROOT, 'contracts', 'gas.json'), 'utf8')) as {
    readonly amsterdam: Readonly<Record<string, number>>;
  };
  const text = await readFile(README, 'utf8');
  const begin = BEGIN.exec(text);
  const end = text.indexOf(END);
  if (begin === null || end < begin.index) throw new Error(`${README} lacks the marks between which figures stand.`);
  const from = begin.index + begin[0].length;
  await writeFile(README, `${text.slice(0, from)}\n${tableOf(results, amsterdam)}${text.slice(end)}`);
  return 'README.md has these figures now.';
}

/** Null where the results may be shown as those of this machine. */
export function whyNot({ notes, rows }: Results): string | null {
  if (notes.some((note) => note.startsWith('quick'))) return 'the run was a quick one.';
  const most = Math.max(0, ...rows.map(({ load = 0 }) => load));
  if (most <= MOST_LOAD) return null;
  return `the load average was ${most.toFixed(1)}, above ${MOST_LOAD}. Run npm run bench again when nothing else is running.`;
}

/** As Markdown; gas by Amsterdam's rules stands in brackets beside Osaka's. */
export function tableOf({ notes, rows }: Results, amsterdam: Readonly<Record<string, number>>): string {
  const lines = rows.map((row) => {
    const later = row.unit === 'gas' ? amsterdam[row.what] : undefined;
    const seen = Number.isNaN(row.value) ? 'not measured' : `${show(row.value)} ${row.unit}`.trim();
    const missed = !Number.isNaN(row.value) && isHeld(row) === false ? ', missed' : '';
    const beside = later === undefined ? '' : ` (${show(later)})`;
    return `| ${cell(row.what)} | ${cell(seen)}${beside} | ${goalOf(row)}${missed} |`;
  });
  return [
    ...notes.map((note) => `${note[0]?.toUpperCase()}${note.slice(1)}.`),
    'Gas is of whole transactions by Osaka’s rules, in brackets by Amsterdam’s; `npm run check` compares it.',
    '',
    ...['| What | Seen | Goal |', '|---|---|---|', ...lines, ''],
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (import.meta.main) {
  console.log(await tellReadme(process.argv[2] ?? join(import.meta.dirname, '..', 'results')));
}
