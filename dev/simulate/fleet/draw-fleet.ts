import type { FleetRun } from './say-fleet.ts';
import type { FleetMinute } from './simulate-fleet.ts';

interface Line {
  readonly name: keyof FleetMinute;
  readonly says: string;
}

interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** Apart also in grey, and for people who see red and green alike (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'] as const;
const [WIDTH, PANEL, LEFT, RIGHT] = [860, 170, 96, 840] as const;
const PLOT = { top: 34, bottom: 140 } as const;

const PANELS: readonly Panel[] = [
  {
    title: 'batches that no mined round holds',
    lines: [
      { name: 'waiting', says: 'all' },
      { name: 'backlog', says: 'late' },
    ],
  },
  { title: 'age of the oldest of them, s', lines: [{ name: 'oldestSeconds', says: 'seconds' }] },
  {
    title: 'requests a minute',
    lines: [
      { name: 'tableReads', says: 'table reads' },
      { name: 'tableWrites', says: 'table writes' },
      { name: 'objectRequests', says: 'objects' },
      { name: 'rpcRequests', says: 'RPC' },
    ],
  },
  {
    title: 'bytes a minute',
    lines: [
      { name: 'tableBytes', says: 'table' },
      { name: 'objectBytes', says: 'objects' },
    ],
  },
  { title: 'gas a minute', lines: [{ name: 'gas', says: 'gas' }] },
];

/** A run of a fleet as SVG, a panel a matter over the same minutes. Needs nothing but itself to be read. */
export function drawFleet(run: FleetRun): string {
  const { options, minutes, machine, signatures } = run;
  const height = 40 + PANELS.length * PANEL + 40;
  const { devices, outage, outageOf, spike } = options;
  const what = [
    `${devices} devices, a batch a minute each`,
    ...(outage === null ? [] : [`${outageOf} away from minute ${outage.fromMinute} to ${outage.untilMinute}`]),
    ...(spike === null ? [] : [`fees ${spike.factor} times from minute ${spike.fromMinute}`]),
  ].join('; ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(what)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(LEFT, 24, what, 'font-size="16" font-weight="bold"'),
    ...PANELS.flatMap((panel, number) => drawPanel(panel, minutes, 36 + number * PANEL)),
    text(
      LEFT,
      height - 24,
      `Simulated under virtual time; signatures ${signatures}. ${machine}`.slice(0, 150),
      'font-size="10" fill="#555"',
    ),
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel({ title, lines }: Panel, minutes: readonly FleetMinute[], top: number): string[] {
  const most = Math.max(1, ...minutes.flatMap((one) => lines.map(({ name }) => one[name])));
  const lastMinute = Math.max(1, minutes.at(-1)?.minute ?? 1);
  const x = (minute: number): number => LEFT + ((RIGHT - LEFT) * minute) / lastMinute;
  const y = (value: number): number => top + PLOT.bottom - ((PLOT.bottom - PLOT.top) * value) / most;
  const frame = [y(0), y(most / 2), y(most)].flatMap((at, step) => [
    `<path d="M${LEFT} ${round(at)}H${RIGHT}" stroke="#ccc"/>`,
    text(LEFT - 6, at + 4, short((most * step) / 2), 'text-anchor="end" fill="#555"'),
  ]);
  const every = Math.max(1, Math.ceil(lastMinute / 10));
  const ticks = Array.from({ length: Math.floor(lastMinute / every) + 1 }, (_, step) =>
    text(x(step * every), top + PLOT.bottom + 14, `${step * every}`, 'text-anchor="middle" fill="#555"'),
  );
  const curves = lines.map(({ name }, number) => {
    const points = minutes.map((one) => `${round(x(one.minute))} ${round(y(one[name]))}`);
    return `<path d="M${points.join('L')}" fill="none" stroke="${COLOURS[number]}" stroke-width="1.5"/>`;
  });
  const legend = lines.flatMap(({ says }, number) => [
    `<rect x="${LEFT + 300 + number * 110}" y="${top + 14}" width="14" height="8" fill="${COLOURS[number]}"/>`,
    text(LEFT + 320 + number * 110, top + 22, says),
  ]);
  return [text(LEFT, top + 22, title, 'font-weight="bold"'), ...frame, ...ticks, ...curves, ...legend];
}

function short(value: number): string {
  const digits = (scaled: number): string =>
    scaled >= 100 ? scaled.toFixed(0) : String(Number(scaled.toPrecision(3)));
  if (value >= 1e6) return `${digits(value / 1e6)} M`;
  return value >= 1e4 ? `${digits(value / 1e3)} k` : digits(value);
}

const round = (value: number): number => Math.round(value * 10) / 10;

function text(x: number, y: number, said: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeXml(said)}</text>`;
}

function escapeXml(said: string): string {
  return said.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
