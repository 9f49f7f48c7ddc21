import { useMemo } from 'preact/hooks';
import type { DatasetRow, Overview, VerifyResult } from '../../engine/questions.ts';
import { askStandings } from '../actions.ts';
import { hashOf } from '../route.ts';
import { findRows, trouble } from '../select-rows.ts';
import { datasetState, type PageState } from '../store.ts';
import { ago, count, named, utc } from '../words.ts';
import { SearchField } from './search-field.tsx';
import { VirtualList } from './virtual-list.tsx';

const ROW_HEIGHT_PX = 76;

/** All datasets at a glance: what is known, what is behind, what is damaged. */
export function OverviewView({ page }: { readonly page: PageState }) {
  const { overview } = page;
  if (overview === null) return <Waiting title="Overview" page={page} />;
  return <Datasets page={page} overview={overview} />;
}

function Datasets({ page, overview }: { readonly page: PageState; readonly overview: Overview }) {
  const { search, reader, standings, datasets } = page;
  const { rows: all } = overview;
  // Of ten thousand, so not at every drawing.
  const rows = useMemo(() => findRows(all, search), [all, search]);
  const wrong = useMemo(
    () => all.filter((row) => trouble({ standings, datasets }, row) !== null),
    [all, standings, datasets],
  );
  const blocks = useMemo(() => all.reduce((sum, { recorded }) => sum + (recorded ?? 0), 0), [all]);
  const isRead = all.every(({ recorded }) => recorded !== null);
  const verified = [...datasets.values()].filter(({ last }) => last !== null).length;
  return (
    <>
      <h1 tabIndex={-1}>Overview</h1>
      {reader.notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
      <dl class="tiles">
        <Tile name="Datasets" value={count(overview.rows.length)} />
        <Tile name="Blocks recorded" value={isRead ? count(blocks) : '…'} />
        <Tile name="Verified here" value={`${count(verified)} of ${count(overview.rows.length)}`} />
        <Tile
          name="Need a look"
          value={wrong.length === 0 ? 'none' : count(wrong.length)}
          tone={wrong.length === 0 ? '' : 'bad'}
        />
      </dl>
      <p class="faint">
        Chain block {count(overview.latest.blockNumber)}, {utc(overview.latest.timestampMs)}. Final up to block{' '}
        {count(overview.final.blockNumber)}.
      </p>
      <SearchField search={search} />
      {rows.length === 0 ? (
        <Nothing page={page} />
      ) : (
        <VirtualList
          label="Datasets"
          rows={rows}
          keyOf={({ dataset }) => dataset}
          rowHeightPx={ROW_HEIGHT_PX}
          draw={(row) => <DatasetLine page={page} row={row} />}
          onShown={(shown) => void askStandings(shown.map(({ dataset }) => dataset))}
        />
      )}
    </>
  );
}

function DatasetLine({ page, row }: { readonly page: PageState; readonly row: DatasetRow }) {
  const { dataset, name, recorded, final } = row;
  const standing = page.standings.get(dataset);
  const state = datasetState(dataset, page);
  const wrong = trouble(page, row);
  const nowMs = Date.now();
  const waiting = Math.max(0, (standing?.stored ?? 0) - Math.max(recorded ?? 0, standing?.anchored ?? 0));
  return (
    <a class="line" href={hashOf({ view: 'dataset', dataset })}>
      <span class="title">
        <strong>{named(name, dataset)}</strong>
        {wrong === null ? null : <span class="mark bad">✗ {wrong}</span>}
        {wrong === null && state.last?.ok === true ? (
          <span class="mark good">✓ {isWhole(state.last) ? 'intact' : 'no damage found'}</span>
        ) : null}
      </span>
      <span class="facts">
        <Fact name="Last capture">{standing?.lastCaptureMs == null ? '–' : ago(standing.lastCaptureMs, nowMs)}</Fact>
        <Fact name="Recorded">{recorded === null ? '…' : count(recorded)}</Fact>
        <Fact name="Final">
          {recorded === null || final === null
            ? '…'
            : final < recorded
              ? `${count(recorded - final)} behind`
              : recorded === 0
                ? '–'
                : 'all'}
        </Fact>
        <Fact name="Anchored">{standing?.anchored == null ? '–' : count(standing.anchored)}</Fact>
        <Fact name="Waiting">{standing?.stored == null ? '–' : waiting === 0 ? 'none' : count(waiting)}</Fact>
        <Fact name="Verified">
          {state.last === null
            ? 'never here'
            : `${ago(state.last.endedAtMs, nowMs)}${state.last.checked < state.last.total ? `, ${count(state.last.checked)} of ${count(state.last.total)}` : ''}`}
        </Fact>
      </span>
    </a>
  );
}

/** Whether every byte of every block was hashed. */
function isWhole({ checked, total, evidence }: VerifyResult): boolean {
  return checked === total && evidence === 'retrieved';
}

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <span class="fact">
      <span class="faint">{name}</span> {children}
    </span>
  );
}

export function Tile({
  name,
  value,
  tone = '',
}: {
  readonly name: string;
  readonly value: string;
  readonly tone?: string;
}) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd class={tone}>{value}</dd>
    </div>
  );
}

/** A view whose facts are still being read, or could not be. */
export function Waiting({ title, page: { busy } }: { readonly title: string; readonly page: PageState }) {
  return (
    <>
      <h1 tabIndex={-1}>{title}</h1>
      <p class="faint">{busy ?? 'Nothing was read yet.'}</p>
    </>
  );
}

function Nothing({ page: { overview, search, reader } }: { readonly page: PageState }) {
  const wanted = search.trim().toLowerCase();
  if (/^0x[0-9a-f]{64}$/.test(wanted)) {
    return (
      <p>
        This id is not on the list. <a href={`#/dataset/${wanted}`}>Open it anyway</a>
      </p>
    );
  }
  if ((overview?.rows.length ?? 0) > 0) return <p>No dataset matches “{search}”.</p>;
  return (
    <p>
      {reader.kind === 'nobody'
        ? 'The chain has no dataset yet. To see a dataset that only rounds anchor, open your keys or search for its id.'
        : 'The chain has no dataset of these keys yet. To see datasets that are not on the chain, also choose datasets.json.'}
    </p>
  );
}
