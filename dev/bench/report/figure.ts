/** One measured value. */
export interface Run {
  /** Which line or box it belongs to. */
  readonly series: string;
  readonly x: number;
  readonly y: number;
}

export interface Axis {
  readonly label: string;
  readonly scale: 'log2' | 'log10' | 'linear';
  /** How a value is written beside the axis; as a number when absent. */
  readonly name?: (value: number) => string;
  /** x stands for the kinds of these names, by their number: boxes are drawn, no lines. */
  readonly kinds?: readonly string[];
}

/** Everything that a figure's CSV and SVG are made of. */
export interface Figure {
  /** Of its files. */
  readonly name: string;
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  /** Column of the CSV that x is. */
  readonly xColumn: string;
  /** Column of the CSV that y is, with its unit. */
  readonly yColumn: string;
  readonly runs: readonly Run[];
  /** What a reader must know: on which parts, how it was measured. */
  readonly notes: readonly string[];
}

/** Writes sizes as people do. */
export function nameBytes(value: number): string {
  return value >= 2 ** 20 ? `${value / 2 ** 20} MiB` : value >= 1024 ? `${value / 1024} KiB` : `${value} B`;
}
