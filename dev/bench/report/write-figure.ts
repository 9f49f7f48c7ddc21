import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawChart } from './draw-chart.ts';
import type { Figure } from './figure.ts';
import { summariseSeries } from './summarise.ts';

/** Writes a figure's CSV, with every run, and its SVG; answers its medians as lines of text. */
export async function writeFigure(folder: string, figure: Figure): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const name = (x: number) => figure.x.kinds?.[x] ?? String(x);
  const rows = figure.runs.map(({ series, x, y }) => `${quote(series)},${quote(name(x))},${y.toFixed(3)}`);
  const head = figure.notes.map((note) => `# ${note}`);
  const csv = [...head, `series,${figure.xColumn},${figure.yColumn}`, ...rows, ''].join('\n');
  await writeFile(join(folder, `${figure.name}.csv`), csv);
  await writeFile(join(folder, `${figure.name}.svg`), drawChart(figure));
  return summariseSeries(figure.runs).map(({ series, points }) => {
    const shown = points.map((point) => {
      const x = figure.x.kinds?.[point.x] ?? figure.x.name?.(point.x) ?? point.x;
      return `${x}: ${short(point.median)} (${short(point.lower)}–${short(point.upper)})`;
    });
    return `  ${series}: ${shown.join(', ')}`;
  });
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function quote(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
