import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Series } from '../../engine/questions.ts';
import { count, utcSpan } from '../words.ts';

export interface ChartProps {
  readonly series: Series;
  /** The same for all charts beside each other, ms. */
  readonly fromMs: number;
  readonly toMs: number;
}

const HEIGHT_PX = 150;

/** One line of verified readings over time; spans in which blocks are damaged are shaded, and nothing is drawn through them. */
export function Chart({ series, fromMs, toMs }: ChartProps) {
  const { gaps } = series;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let plot: uPlot | null = null;
    const draw = (): void => {
      plot?.destroy();
      plot = new uPlot(optionsOf(element, { series, fromMs, toMs }), withGaps(series) as uPlot.AlignedData, element);
    };
    draw();
    const observer = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    observer.observe(element);
    const scheme = window.matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      observer.disconnect();
      scheme.removeEventListener('change', draw);
      plot?.destroy();
    };
  }, [series, fromMs, toMs]);
  const { values, times } = series;
  const [least, most] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as [number, number]);
  const shaded = gaps.length === 0 ? '' : ` ${count(gaps.length)} damaged span${gaps.length === 1 ? '' : 's'} shaded.`;
  const summary = `${count(values.length)} readings, ${rounded(least)} to ${rounded(most)}, ${utcSpan(times[0] ?? 0, times.at(-1) ?? 0)}.${shaded}`;
  return (
    <figure class="chart">
      <figcaption>
        <strong>{series.name}</strong> <span class="faint">{summary}</span>
      </figcaption>
      <div ref={place} role="img" aria-label={`${series.name}: ${summary}`} />
    </figure>
  );
}

/** How uPlot writes times: from a step in seconds on, the text, and what is added where year, day or minute change. */
const TIMES: uPlot.Axis.Values = [
  [31_536_000, '{YYYY}', null, null, null, null, null, null, 1],
  [2_419_200, '{YYYY}-{MM}', null, null, null, null, null, null, 1],
  [86_400, '{MM}-{DD}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [0.001, ':{ss}.{fff}', '\n{YYYY}-{MM}-{DD} {HH}:{mm}', null, '\n{MM}-{DD} {HH}:{mm}', null, '\n{HH}:{mm}', null, 1],
];

function rounded(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 5 });
}

/** A point without a value in each gap, so that no line leads through it. Times in seconds, as uPlot has them. */
export function withGaps({ times, values, gaps }: Omit<Series, 'name'>): [number[], (number | null)[]] {
  const points: [number, number | null][] = [...times].map((time, i) => [time, values[i] as number]);
  for (const { fromMs, toMs } of gaps) points.push([(fromMs + toMs) / 2, null]);
  points.sort(([a], [b]) => a - b);
  return [points.map(([time]) => time / 1000), points.map(([, value]) => value)];
}

function optionsOf(element: HTMLElement, { series: { gaps }, fromMs, toMs }: ChartProps): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour('--faint'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line') },
  };
  return {
    ...{ width: element.clientWidth, height: HEIGHT_PX, legend: { show: false } },
    cursor: { drag: { x: false, y: false } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
    scales: { x: { time: true, range: [fromMs / 1000, Math.max(toMs, fromMs + 1) / 1000] } },
    // As all other times on this page: UTC, the day first and 24 hours.
    axes: [
      { ...axis, space: 90, values: TIMES },
      { ...axis, size: 60 },
    ],
    series: [{}, { stroke: colour('--focus'), width: 1.5, spanGaps: false, points: { size: 4 } }],
    hooks: {
      drawClear: [
        (plot) => {
          const { ctx, bbox } = plot;
          ctx.save();
          ctx.fillStyle = colour('--gap');
          for (const gap of gaps) {
            const left = plot.valToPos(gap.fromMs / 1000, 'x', true);
            const right = plot.valToPos(gap.toMs / 1000, 'x', true);
            ctx.fillRect(left, bbox.top, Math.max(3, right - left), bbox.height);
          }
          ctx.restore();
        },
      ],
    },
  };
}
