import type { Run } from './figure.ts';

export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
  readonly max: number;
}

export interface SeriesSummary {
  readonly series: string;
  readonly points: readonly (Summary & { readonly x: number })[];
}

/** Median, quartiles and range. @throws when there is no value */
export function summarise(values: readonly number[]): Summary {
  if (values.length === 0) throw new Error('Nothing was measured.');
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { count: sorted.length, min: at(0), lower: at(0.25), median: at(0.5), upper: at(0.75), max: at(1) };
}

/** Each series with a summary for each x, both in the order in which they were first measured or rise. */
export function summariseSeries(runs: readonly Run[]): SeriesSummary[] {
  return [...Map.groupBy(runs, ({ series }) => series)].map(([series, own]) => ({
    series,
    points: [...Map.groupBy(own, ({ x }) => x)]
      .map(([x, at]) => ({ x, ...summarise(at.map(({ y }) => y)) }))
      .sort((a, b) => a.x - b.x),
  }));
}
