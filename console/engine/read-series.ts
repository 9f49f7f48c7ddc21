import type { Series } from './questions.ts';

/** One piece of content, as it was captured. */
export interface Captured {
  readonly name: string;
  readonly type: string | null;
  readonly atMs: number;
  readonly text: string;
  /** Whether it begins a file: then its first line may name the columns. */
  readonly isBeginning: boolean;
}

/** Columns and fields that name a time, where there are several. */
const TIME_NAME = /^(?:t|ts|at|time|timestamp|date|datetime|zeit|datum|.*(?:_|\b)(?:time|timestamp|at|ts))$/i;
const MOST_SERIES = 24;
const MOST_POINTS = 200_000;
/** Seconds below it, milliseconds above: 1973 in the one, 5138 in the other. */
const LEAST_MS = 1e11;

/**
 * Finds the numbers in what was captured, and when: CSV with a column of times, JSON lines, and messages of a topic that are
 * numbers or JSON objects. What is none of these draws nothing. Each value stands at its own time where it names one, else at
 * the time of its capture.
 */
export class SeriesReader {
  readonly #series = new Map<string, FoundSeries>();
  readonly #columns = new Map<string, readonly string[]>();
  /** The beginning of a line whose end comes with the next block. */
  readonly #rest = new Map<string, string>();
  /** Names of which a block is missing: what comes next may begin within a line. */
  readonly #cut = new Set<string>();
  #points = 0;

  /**
   * A block is damaged or gone.
   * @param name whose content it was; null where that is not known: it may be anything's
   */
  lose(name: string | null): void {
    for (const one of name === null ? new Set([...this.#rest.keys(), ...this.#columns.keys()]) : [name]) {
      this.#rest.delete(one);
      this.#cut.add(one);
    }
    for (const one of this.#series.values()) if (name === null || one.name === name) one.isBroken = true;
  }

  take(given: Captured): void {
    const captured = this.#cut.has(given.name) ? this.#behindGap(given) : given;
    if (captured === null) return;
    const { name, text, isBeginning } = captured;
    if (isBeginning) {
      this.#rest.delete(name);
      this.#columns.delete(name);
    }
    const lines = `${this.#rest.get(name) ?? ''}${text}`.split(/\r?\n/);
    const last = lines.pop() ?? '';
    this.#rest.delete(name);
    // A message without a line's end is whole; of a file the rest comes with its next block.
    if (isMessage(last) && lines.length === 0 && !isCsv(captured)) lines.push(last);
    else if (last !== '') this.#rest.set(name, last);
    for (const line of lines) this.#takeLine(captured, line.trim());
  }

  /** From the first whole line on; null where there is none yet. */
  #behindGap(captured: Captured): Captured | null {
    const { name, text, isBeginning } = captured;
    const isLines = isCsv(captured) || text.includes('\n');
    if (isBeginning || !isLines) {
      this.#cut.delete(name);
      return captured;
    }
    const end = text.indexOf('\n');
    if (end === -1) return null;
    this.#cut.delete(name);
    return { ...captured, text: text.slice(end + 1) };
  }

  /** What was found, each in the order of time. */
  end(): Series[] {
    const found = [...this.#series].filter(([, { values }]) => values.length > 0).slice(0, MOST_SERIES);
    return found.map(([name, { times, values, gaps }]) => {
      const order = times.map((_, i) => i).sort((a, b) => (times[a] as number) - (times[b] as number));
      return {
        name,
        times: Float64Array.from(order, (i) => times[i] as number),
        values: Float64Array.from(order, (i) => values[i] as number),
        gaps,
      };
    });
  }

  #takeLine(captured: Captured, line: string): void {
    if (line === '' || this.#points >= MOST_POINTS) return;
    const { name, atMs } = captured;
    if (line.startsWith('{')) {
      this.#takeObject(name, atMs, line);
      return;
    }
    const number = numberOf(line);
    if (number !== null) {
      this.#add(name, name === '' ? 'value' : name, atMs, number);
      return;
    }
    this.#takeCsv(captured, line);
  }

  #takeObject(name: string, atMs: number, line: string): void {
    let fields: Readonly<Record<string, unknown>>;
    try {
      fields = JSON.parse(line) as Readonly<Record<string, unknown>>;
    } catch {
      return;
    }
    const entries = Object.entries(fields);
    const time = entries.find(([key, value]) => TIME_NAME.test(key) && timeOf(String(value)) !== null);
    const timeMs = time === undefined ? atMs : (timeOf(String(time[1])) ?? atMs);
    for (const [key, value] of entries) {
      if (key !== time?.[0] && typeof value === 'number') this.#add(name, titleOf(name, key), timeMs, value);
    }
  }

  #takeCsv({ name, atMs }: Captured, line: string): void {
    const cells = line.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"|"$/g, ''));
    if (cells.length < 2) return;
    const known = this.#columns.get(name);
    if (known === undefined && cells.every((cell) => numberOf(cell) === null && timeOf(cell) === null)) {
      this.#columns.set(name, cells);
      return;
    }
    const columns = known?.length === cells.length ? known : cells.map((_, i) => `column ${i + 1}`);
    const timeAt = cells.findIndex((cell, i) => isTimeCell(cell, columns[i] ?? ''));
    const timeMs = timeAt === -1 ? atMs : (timeOf(cells[timeAt] as string) ?? atMs);
    for (const [i, cell] of cells.entries()) {
      const value = numberOf(cell);
      if (i !== timeAt && value !== null) this.#add(name, titleOf(name, columns[i] as string), timeMs, value);
    }
  }

  #add(name: string, title: string, timeMs: number, value: number): void {
    const one = this.#series.get(title);
    if (one === undefined && this.#series.size >= MOST_SERIES) return;
    this.#points += 1;
    if (one === undefined) {
      this.#series.set(title, { name, times: [timeMs], values: [value], gaps: [], isBroken: false });
      return;
    }
    const lastMs = one.times.at(-1) ?? timeMs;
    if (one.isBroken && timeMs > lastMs) one.gaps.push({ fromMs: lastMs, toMs: timeMs });
    one.isBroken = false;
    one.times.push(timeMs);
    one.values.push(value);
  }
}

interface FoundSeries {
  /** Of what it was found in. */
  readonly name: string;
  readonly times: number[];
  readonly values: number[];
  readonly gaps: { readonly fromMs: number; readonly toMs: number }[];
  /** Whether a block is missing since its last reading. */
  isBroken: boolean;
}

function titleOf(name: string, field: string): string {
  return name === '' ? field : `${name}: ${field}`;
}

function isCsv({ name, type }: Captured): boolean {
  return type === 'text/csv' || /\.(?:csv|tsv|txt|log|jsonl|ndjson)$/i.test(name);
}

function isMessage(line: string): boolean {
  return numberOf(line.trim()) !== null || /^\{.*\}$/.test(line.trim());
}

function isTimeCell(cell: string, column: string): boolean {
  if (timeOf(cell) === null) return false;
  // A plain number is a time only where its column says so.
  return numberOf(cell) === null || TIME_NAME.test(column);
}

/** A decimal number; null for anything else. */
export function numberOf(text: string): number | null {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : null;
}

/** ms since 1970 of a date or of a count of seconds or milliseconds; null for anything else. */
export function timeOf(text: string): number | null {
  const number = numberOf(text);
  if (number !== null) return number <= 0 ? null : number < LEAST_MS ? number * 1000 : number;
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(text)) return null;
  // Without a zone a time is taken for UTC: this browser's own zone would move it.
  const iso = text.replace(' ', 'T');
  const ms = Date.parse(/[Zz]|[+-]\d{2}:?\d{2}$/.test(iso.slice(10)) || iso.length === 10 ? iso : `${iso}Z`);
  return Number.isNaN(ms) ? null : ms;
}
