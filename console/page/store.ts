import { useEffect, useState } from 'preact/hooks';
import type { BlockMap } from '../engine/block-map.ts';
import type {
  AgreementRow,
  BlockReport,
  Contents,
  Overview,
  Place,
  Reader,
  Rounds,
  Standing,
  VerifyResult,
} from '../engine/questions.ts';
import { type Route, routeOf } from './route.ts';

/** A check that is under way. */
export interface Run {
  readonly checked: number;
  readonly wanted: number;
  readonly startedAtMs: number;
  readonly stop: () => void;
}

/** What the page knows of one dataset. */
export interface DatasetState {
  readonly map: BlockMap | null;
  /** Grows with every change within the map. */
  readonly version: number;
  readonly last: VerifyResult | null;
  readonly run: Run | null;
  readonly contents: Contents | null;
  readonly looking: Run | null;
  readonly problem: string | null;
}

/** All that the page shows, in one place. */
export interface PageState {
  readonly route: Route;
  readonly place: Place | null;
  readonly reader: Reader;
  readonly overview: Overview | null;
  readonly standings: ReadonlyMap<string, Standing>;
  readonly datasets: ReadonlyMap<string, DatasetState>;
  readonly block: BlockReport | null;
  readonly rounds: Rounds | null;
  readonly agreements: readonly AgreementRow[] | null;
  readonly search: string;
  /** What the page waits for, in words; null while it does not. */
  readonly busy: string | null;
  readonly canStop: boolean;
  /** What went wrong last, and what it was about. */
  readonly problem: { readonly view: Route['view']; readonly message: string } | null;
  /** A sentence for those who hear the page: what has just come about. */
  readonly said: string;
}

export const NOBODY: Reader = { kind: 'nobody', account: null, notes: [] };

let state: PageState = {
  ...{ route: routeOf(location.hash), place: null, reader: NOBODY, overview: null, standings: new Map() },
  ...{ datasets: new Map(), block: null, rounds: null, agreements: null, search: '', busy: null, problem: null },
  canStop: false,
  said: '',
};
const listeners = new Set<() => void>();

export function current(): PageState {
  return state;
}

export function change(changes: Partial<PageState>): void {
  state = { ...state, ...changes };
  for (const listener of listeners) listener();
}

const NEW_DATASET: DatasetState = {
  ...{ map: null, version: 0, last: null, run: null, contents: null, looking: null, problem: null },
};

export function datasetState(dataset: string, from: Pick<PageState, 'datasets'> = state): DatasetState {
  return from.datasets.get(dataset) ?? NEW_DATASET;
}

export function changeDataset(dataset: string, changes: Partial<DatasetState>): void {
  const datasets = new Map(state.datasets);
  datasets.set(dataset, { ...datasetState(dataset), ...changes });
  change({ datasets });
}

/** The whole state; the component is drawn again, once a frame, when it changes. */
export function usePage(): PageState {
  const [, draw] = useState(0);
  useEffect(() => {
    let frame = 0;
    const listener = (): void => {
      if (frame !== 0) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        draw((times) => times + 1);
      });
    };
    listeners.add(listener);
    listener();
    return () => {
      listeners.delete(listener);
      cancelAnimationFrame(frame);
    };
  }, []);
  return state;
}
