import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { DatasetRow, Overview, Standing } from '../../engine/questions.ts';
import { askStandings } from '../actions.ts';
import { hashOf } from '../route.ts';
import { findRows } from '../select-rows.ts';
import type { PageState } from '../store.ts';
import { ago, count, named } from '../words.ts';
import { ActionButton } from './action-button.tsx';
import { Tile, Waiting } from './overview.tsx';
import { SearchField } from './search-field.tsx';
import { VirtualList } from './virtual-list.tsx';

const ROW_HEIGHT_PX = 44;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Asked together; more than the service answers at once only wait there. */
const ASKED_TOGETHER = 64;

/** Devices by when they were last heard of, in one line each. */
export function FleetView({ page }: { readonly page: PageState }) {
  const { overview } = page;
  return overview === null ? <Waiting title="Fleet" page={page} /> : <Devices page={page} overview={overview} />;
}

function Devices({ page, overview }: { readonly page: PageState; readonly overview: Overview }) {
  const [asking, setAsking] = useState<number | null>(null);
  const { search, standings, reader } = page;
  const rows = useMemo(() => findRows(overview.rows, search), [overview.rows, search]);
  const known = useMemo(
    () => overview.rows.flatMap(({ dataset }) => standings.get(dataset) ?? []),
    [overview.rows, standings],
  );
  const nowMs = Date.now();
  const heard = (within: (ms: number) => boolean): number =>
    known.filter(({ lastSeenMs }) => lastSeenMs !== null && within(nowMs - lastSeenMs)).length;
  const stopping = useRef<AbortController | null>(null);
  // Whoever leaves the view asks no more.
  useEffect(() => () => stopping.current?.abort(), []);
  const askAll = async (): Promise<void> => {
    const asked = new AbortController();
    stopping.current = asked;
    const { signal } = asked;
    for (let at = 0; at < overview.rows.length && !signal.aborted; at += ASKED_TOGETHER) {
      setAsking(at);
      await askStandings(
        overview.rows.slice(at, at + ASKED_TOGETHER).map(({ dataset }) => dataset),
        signal,
      );
    }
    setAsking(null);
  };
  return (
    <>
      <h1 tabIndex={-1}>Fleet</h1>
      <p>One dataset is one device's log. {count(overview.rows.length)} in all.</p>
      {reader.kind === 'owner' ? (
        <>
          <dl class="tiles">
            <Tile name="Heard within an hour" value={count(heard((ms) => ms < HOUR_MS))} />
            <Tile name="Within a day" value={count(heard((ms) => ms >= HOUR_MS && ms < DAY_MS))} />
            <Tile
              name="Silent for longer"
              value={count(heard((ms) => ms >= DAY_MS))}
              tone={heard((ms) => ms >= DAY_MS) > 0 ? 'doubt' : ''}
            />
            <Tile name="Not asked yet" value={count(overview.rows.length - known.length)} />
          </dl>
          <p class="actions">
            <ActionButton isBusy={asking !== null} onPress={() => void askAll()}>
              Ask about all devices
            </ActionButton>
            {asking === null ? null : (
              <>
                <span>
                  Asked about {count(asking)} of {count(overview.rows.length)} …
                </span>
                <button
                  type="button"
                  onClick={({ currentTarget }) => {
                    currentTarget.closest('p')?.querySelector('button')?.focus();
                    stopping.current?.abort();
                  }}
                >
                  Stop
                </button>
              </>
            )}
          </p>
        </>
      ) : (
        <p class="note">The service tells only the owner when a device last reported.</p>
      )}
      <SearchField search={search} />
      <VirtualList
        label="Devices"
        rows={rows}
        keyOf={({ dataset }) => dataset}
        rowHeightPx={ROW_HEIGHT_PX}
        draw={(row) => <DeviceLine row={row} standing={standings.get(row.dataset) ?? null} nowMs={nowMs} />}
        onShown={(shown) => void askStandings(shown.map(({ dataset }) => dataset))}
      />
    </>
  );
}

function DeviceLine({
  row: { dataset, name, recorded: onDissc },
  standing,
  nowMs,
}: {
  readonly row: DatasetRow;
  readonly standing: Standing | null;
  readonly nowMs: number;
}) {
  const recorded = onDissc ?? 0;
  const waiting =
    standing?.stored == null ? null : Math.max(0, standing.stored - Math.max(recorded, standing.anchored ?? 0));
  return (
    <a class="line slim" href={hashOf({ view: 'dataset', dataset })}>
      <strong>{named(name, dataset)}</strong>
      <span>{onDissc === null ? '…' : `${count(Math.max(recorded, standing?.anchored ?? 0))} on the chain`}</span>
      <span>{waiting === null ? '' : waiting === 0 ? 'nothing waiting' : `${count(waiting)} wait`}</span>
      <span>{standing?.lastSeenMs == null ? '' : `heard ${ago(standing.lastSeenMs, nowMs)}`}</span>
    </a>
  );
}
