import type { Axis, Figure } from './figure.ts';
import { type SeriesSummary, summariseSeries } from './summarise.ts';

/** From a value to its place in the drawing. */
type Place = (value: number) => number;

const WIDTH = 860;
const FRAME = { left: 84, top: 64, right: 836, bottom: 420 } as const;
const LINE = 18;
/** Apart also in grey, and for people who see red and green alike (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;
const MOST_TICKS = 8;
const NOTE_CHARS = 125;

/** A figure as SVG: medians, quartiles as thick bars, smallest and largest as thin ones. Needs nothing but itself to be read. */
export function drawChart(figure: Figure): string {
  const series = summariseSeries(figure.runs);
  const points = series.flatMap((one) => one.points);
  const x = placeX(figure.x, [...new Set(points.map((point) => point.x))]);
  const y = placeOn(
    figure.y,
    spread(
      figure.y,
      points.flatMap(({ min, max }) => [min, max]),
    ),
    FRAME.bottom,
    FRAME.top,
  );
  const notes = figure.notes.flatMap(wrap);
  const legendTop = FRAME.bottom + 62;
  const notesTop = legendTop + series.length * LINE + 10;
  const height = notesTop + notes.length * LINE + 6;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">`,
    `<title>${escapeXml(figure.title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(FRAME.left, 30, figure.title, 'font-size="17" font-weight="bold"'),
    ...drawAxes(figure, x, y),
    ...series.flatMap((one, number) => drawSeries(figure, one, number, series.length, x.place, y.place)),
    ...series.flatMap(({ series: name }, number) => {
      const at = legendTop + number * LINE;
      const mark = `<rect x="${FRAME.left}" y="${at - 9}" width="22" height="8" fill="${colourOf(number)}"/>`;
      return [mark, text(FRAME.left + 32, at, name)];
    }),
    ...notes.map((note, number) => text(FRAME.left, notesTop + number * LINE, note, 'font-size="11" fill="#555"')),
    '</svg>',
    '',
  ].join('\n');
}

interface Scale {
  readonly place: Place;
  readonly ticks: readonly number[];
}

function placeX(axis: Axis, values: readonly number[]): Scale {
  if (axis.kinds !== undefined) {
    const step = (FRAME.right - FRAME.left) / axis.kinds.length;
    return { place: (value) => FRAME.left + (value + 0.5) * step, ticks: axis.kinds.map((_, number) => number) };
  }
  const { place } = placeOn(axis, [Math.min(...values), Math.max(...values)], FRAME.left + 24, FRAME.right - 24);
  return { place, ticks: [...values].sort((a, b) => a - b) };
}

function placeOn(axis: Axis, [low, high]: readonly [number, number], from: number, to: number): Scale {
  const bend = axis.scale === 'linear' ? (value: number) => value : Math.log;
  const [start, end] = [bend(low), bend(high)];
  const place: Place = (value) => from + ((bend(value) - start) / (end - start || 1)) * (to - from);
  return { place, ticks: ticksOf(axis, low, high) };
}

/** From where to where an axis goes so that all values lie on it. */
function spread(axis: Axis, values: readonly number[]): [number, number] {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  if (axis.scale === 'linear') return [0, max * 1.06 || 1];
  const base = axis.scale === 'log2' ? 2 : 10;
  const reach = (value: number, round: (exponent: number) => number) =>
    base ** (round(2 * (Math.log(value) / Math.log(base))) / 2);
  return [reach(min, Math.floor), reach(max, Math.ceil)];
}

function ticksOf(axis: Axis, low: number, high: number): number[] {
  if (axis.scale === 'linear') {
    const rough = (high - low) / MOST_TICKS;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) as number);
    const first = Math.ceil(low / step);
    return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) =>
      Number(((first + i) * step).toFixed(9)),
    );
  }
  const factors = axis.scale === 'log2' ? [1] : [1, 2, 5];
  const base = axis.scale === 'log2' ? 2 : 10;
  const exponents = Array.from({ length: 60 }, (_, i) => i - 30);
  return exponents
    .flatMap((e) => factors.map((f) => Number((f * base ** e).toPrecision(12))))
    .filter((v) => v >= low && v <= high);
}

function drawAxes({ x, y }: Figure, acrossX: Scale, upY: Scale): string[] {
  const { left, top, right, bottom } = FRAME;
  const nameX = (value: number) => x.kinds?.[value] ?? x.name?.(value) ?? String(value);
  const nameY = y.name ?? String;
  return [
    ...upY.ticks.flatMap((tick) => {
      const at = round(upY.place(tick));
      return [
        `<line x1="${left}" y1="${at}" x2="${right}" y2="${at}" stroke="#ddd"/>`,
        text(left - 8, at + 4, nameY(tick), 'text-anchor="end"'),
      ];
    }),
    ...acrossX.ticks.flatMap((tick) => {
      const at = round(acrossX.place(tick));
      return [
        `<line x1="${at}" y1="${bottom}" x2="${at}" y2="${bottom + 5}" stroke="#333"/>`,
        text(at, bottom + 20, nameX(tick), 'text-anchor="middle"'),
      ];
    }),
    `<path d="M${left} ${top}V${bottom}H${right}" fill="none" stroke="#333"/>`,
    text((left + right) / 2, bottom + 40, x.label, 'text-anchor="middle"'),
    text(0, 0, y.label, `text-anchor="middle" transform="translate(22 ${(top + bottom) / 2}) rotate(-90)"`),
  ];
}

function drawSeries(
  figure: Figure,
  { points }: SeriesSummary,
  number: number,
  count: number,
  x: Place,
  y: Place,
): string[] {
  const colour = colourOf(number);
  // Side by side, so that none hides another.
  const aside = (number - (count - 1) / 2) * (figure.x.kinds === undefined ? 7 : 34);
  const line = points.map((point, i) => `${i === 0 ? 'M' : 'L'}${round(x(point.x) + aside)} ${round(y(point.median))}`);
  const half = figure.x.kinds === undefined ? 4 : 13;
  return [
    ...(figure.x.kinds === undefined
      ? [`<path d="${line.join('')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`]
      : []),
    ...points.flatMap((point) => {
      const at = round(x(point.x) + aside);
      const [min, lower, median, upper, max] = [point.min, point.lower, point.median, point.upper, point.max].map(
        (value) => round(y(value)),
      ) as [number, number, number, number, number];
      return [
        `<line x1="${at}" y1="${min}" x2="${at}" y2="${max}" stroke="${colour}"/>`,
        `<rect x="${at - half}" y="${upper}" width="${2 * half}" height="${round(Math.max(lower - upper, 0.5))}" fill="${colour}" fill-opacity="0.35"/>`,
        `<line x1="${at - half - 2}" y1="${median}" x2="${at + half + 2}" y2="${median}" stroke="${colour}" stroke-width="2.5"/>`,
      ];
    }),
  ];
}

/** Lines that are no longer than the frame is wide. */
function wrap(note: string): string[] {
  const lines: string[] = [];
  for (const word of note.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length >= NOTE_CHARS) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

function colourOf(number: number): string {
  return COLOURS[number % COLOURS.length] as string;
}

function text(x: number, y: number, words: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeXml(words)}</text>`;
}

function escapeXml(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(value: number): number {
  return Number(value.toFixed(1));
}
