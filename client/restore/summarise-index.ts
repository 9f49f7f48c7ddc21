import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HIDING } from '../../core/hiding-characters.ts';
import type { IndexLine } from './index-line.ts';
import { INDEX_FILE, INDEX_TEXT_FILE } from './safe-path.ts';

/** A file that was written, with all its blocks; or neighbouring blocks that were not, for one reason. */
interface Row {
  readonly path: string | null;
  readonly name: string | null;
  readonly number: number | null;
  readonly verdict: string;
  readonly reason: string;
  /** Of the first block, where a piece of a growing file begins late. */
  readonly begin: number;
  readonly from: number;
  to: number;
  blocks: number;
  readonly captured: Span;
  readonly source: Span;
  sizeBytes: number;
  unsynchronised: boolean;
}

/** Texts in ISO 8601, which sort as their times do. */
interface Span {
  first: string | null;
  last: string | null;
}

/**
 * Makes `plumb-index.txt` of `plumb-index.jsonl`: a line a file, in the order of the log. It holds in memory what it has of
 * each file, never of each block.
 */
export async function summariseIndex(folder: string, title: string): Promise<void> {
  const byPath = new Map<string, Row>();
  const lost: Row[] = [];
  const handle = await open(join(folder, INDEX_FILE), 'r');
  for await (const text of handle.readLines()) {
    if (text === '') continue;
    const line = JSON.parse(text) as IndexLine;
    const last = lost.at(-1);
    const row = line.path === null ? (last !== undefined && goesOn(last, line) ? last : null) : byPath.get(line.path);
    if (row) addLine(row, line);
    else if (line.path === null) lost.push(rowOf(line));
    else byPath.set(line.path, rowOf(line));
  }
  const rows = [...byPath.values(), ...lost].sort((a, b) => a.from - b.from);
  const text = [
    `${title}: what was restored, in log order.`,
    `Times are UTC. ${INDEX_FILE} has one line a block, for programs.`,
    '',
    ...table([HEADINGS, ...rows.map(cellsOf)]),
    '',
  ].join('\n');
  await writeFile(join(folder, INDEX_TEXT_FILE), text);
}

function rowOf(line: IndexLine): Row {
  const row: Row = {
    ...{ path: line.path, name: line.name, number: line.number ?? null },
    ...{ verdict: line.verdict, reason: line.reason ?? '', begin: line.from ?? 0 },
    ...{ from: line.block, to: line.block, blocks: 0, sizeBytes: 0, unsynchronised: false },
    captured: { first: null, last: null },
    source: { first: null, last: null },
  };
  addLine(row, line);
  return row;
}

function addLine(row: Row, line: IndexLine): void {
  row.to = line.upTo ?? line.block;
  row.blocks += row.to - line.block + 1;
  row.sizeBytes += line.sizeBytes ?? 0;
  row.unsynchronised ||= line.clock === 'not synchronised';
  widen(row.captured, line.capturedAt);
  widen(row.source, line.sourceTime ?? null);
}

function goesOn(row: Row, line: IndexLine): boolean {
  return (
    row.to + 1 === line.block &&
    row.verdict === line.verdict &&
    row.name === line.name &&
    row.reason === (line.reason ?? '')
  );
}

function widen(span: Span, time: string | null): void {
  if (time === null) return;
  if (span.first === null || time < span.first) span.first = time;
  if (span.last === null || time > span.last) span.last = time;
}

const ALL_HIDING = new RegExp(HIDING, 'gu');
const HEADINGS = ['path', 'captured', "source's time", 'bytes', 'blocks', 'verdict', 'name as recorded'];

function cellsOf(row: Row): string[] {
  const blocks = row.from === row.to ? `${row.from}` : `${row.from}-${row.to}`;
  const captured = `${spanText(row.captured)}${row.unsynchronised ? ' (clock not synchronised)' : ''}`;
  const verdict = row.reason === '' ? row.verdict : `${row.verdict}: ${row.reason}`;
  const path = row.path ?? '(not written)';
  const cells = [path, captured, spanText(row.source), `${row.sizeBytes}`, blocks, verdict, nameText(row)];
  return cells.map((cell) => cell.replace(ALL_HIDING, codeOf));
}

/** The name where it is another than the path, quoted so that every character of it shows. */
function nameText({ path, name, number, begin }: Row): string {
  const begun = begin === 0 ? '' : `, from its byte ${begin} on`;
  if (name === null || (name === path && begun === '')) return '';
  return `${JSON.stringify(name)}${(number ?? 1) === 1 ? '' : `, number ${number}`}${begun}`;
}

function codeOf(character: string): string {
  return `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, '0')}`;
}

function spanText({ first, last }: Span): string {
  if (first === null || last === null) return '';
  return first === last ? first : `${first} to ${last}`;
}

const MOST_WIDTH = 60;

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADINGS.map((_, column) =>
    Math.min(
      MOST_WIDTH,
      rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0),
    ),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
