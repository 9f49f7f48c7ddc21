import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One line of specification#figures, as it was measured; without a goal, something measured beside it. */
export interface Measured {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: { readonly most: number } | { readonly least: number };
  /** Spread, peers, circumstances. */
  readonly note?: string;
  /** Load average of the machine then; above the number of its cores, others had work too. */
  readonly load?: number;
}

/** True when the goal was reached; null where there is none. What could not be measured was not reached. */
export function isHeld({ value, goal }: Measured): boolean | null {
  if (Number.isNaN(value)) return false;
  if (goal === undefined) return null;
  return 'most' in goal ? value <= goal.most : value >= goal.least;
}

/** All rows as they were measured, for programs. */
export const GOALS_FILE = 'goals.json';

export function printGoals(rows: readonly Measured[]): void {
  const cells = rows.map((row) => [row.what, `${show(row.value)} ${row.unit}`, goalOf(row), ratioOf(row), heldOf(row)]);
  const widths = [0, 1, 2, 3].map((i) => Math.max(...cells.map((cell) => (cell[i] as string).length)));
  for (const [i, cell] of cells.entries()) {
    const line = cell.map((text, column) =>
      column === 0 ? text.padEnd(widths[0] as number) : text.padStart(widths[column] ?? 0),
    );
    console.log(line.join('  '));
    const { note } = rows[i] as Measured;
    if (note !== undefined) console.log(`    ${note}`);
  }
}

export async function writeGoals(folder: string, rows: readonly Measured[], notes: readonly string[]): Promise<void> {
  const quote = (text: string) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = rows.map((row) =>
    [
      quote(row.what),
      show(row.value),
      row.unit,
      goalOf(row),
      ratioOf(row),
      heldOf(row),
      row.load?.toFixed(1) ?? '',
      quote(row.note ?? ''),
    ].join(','),
  );
  await writeFile(join(folder, GOALS_FILE), `${JSON.stringify({ notes, rows }, null, 2)}\n`);
  const head = notes.map((note) => `# ${note}`);
  await writeFile(
    join(folder, 'goals.csv'),
    [...head, 'what,value,unit,goal,ratio,held,load,note', ...lines, ''].join('\n'),
  );
}

/** A value as people read it. */
export function show(value: number): string {
  if (Number.isNaN(value)) return '?';
  return Number.isInteger(value) ? String(value) : value >= 100 ? value.toFixed(0) : value.toPrecision(4);
}

export function goalOf({ goal }: Measured): string {
  if (goal === undefined) return '';
  return 'most' in goal ? `<= ${goal.most}` : `>= ${goal.least}`;
}

/** Value over goal. */
function ratioOf({ value, goal }: Measured): string {
  if (goal === undefined) return '';
  return (value / ('most' in goal ? goal.most : goal.least)).toFixed(2);
}

function heldOf(row: Measured): string {
  const held = isHeld(row);
  return held === null ? '' : held ? 'held' : 'MISSED';
}
