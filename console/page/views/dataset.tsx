import { useState } from 'preact/hooks';
import { counted } from '../../../core/counted.ts';
import type { DamagedPlace, DatasetRow, Reader, Standing, VerifyResult } from '../../engine/questions.ts';
import { go, look, verify } from '../actions.ts';
import { hashOf } from '../route.ts';
import { type DatasetState, datasetState, type PageState } from '../store.ts';
import { ago, count, KINDS, named, short, span, utc } from '../words.ts';
import { ActionButton } from './action-button.tsx';
import { ContentsView } from './contents.tsx';
import { HeatMap } from './heat-map.tsx';
import { Line } from './line.tsx';
import { Progress } from './progress.tsx';

/** Blocks that the sample takes, unless all are few: what makes it 99 % sure to see 1 % of damage. */
const SAMPLE = 460;
/** Rounds and service were not heard yet. */
const UNREAD = 'being read …';
/** The service tells an owner alone what it stores. */
const NOT_TOLD: Readonly<Record<Reader['kind'], string>> = {
  owner: 'the service does not say',
  auditor: 'told to the owner only',
  nobody: 'told to the owner only',
};

/** One dataset: how far it is, what was verified, what is in it. */
export function DatasetView({ page, dataset }: { readonly page: PageState; readonly dataset: string }) {
  const row = page.overview?.rows.find((one) => one.dataset === dataset) ?? null;
  const standing = page.standings.get(dataset) ?? null;
  const state = datasetState(dataset, page);
  const { map, last } = state;
  return (
    <>
      <p class="path">
        <a href="#/">Overview</a>
      </p>
      <h1 tabIndex={-1}>{named(row?.name ?? null, dataset)}</h1>
      <Facts reader={page.reader} row={row} standing={standing} dataset={dataset} />
      <VerifyPanel page={page} dataset={dataset} state={state} />
      {last === null ? null : <Result dataset={dataset} result={last} isEarlier={state.problem !== null} />}
      {map === null || map.size === 0 ? (
        <p class="faint">{page.busy ?? 'No block of it is final on the chain yet: there is nothing to verify.'}</p>
      ) : (
        <section aria-labelledby="map-title">
          <h2 id="map-title">All {counted(map.size, 'block')}</h2>
          <Remembered size={map.size} row={row} standing={standing} />
          <HeatMap map={map} version={state.version} onOpen={(index) => go({ view: 'block', dataset, index })} />
        </section>
      )}
      <ContentsView
        page={page}
        dataset={dataset}
        state={state}
        onLook={(to, blocks) => void look(dataset, to, blocks)}
      />
    </>
  );
}

/** What this browser noted on an earlier visit may go further than the chain: its log went back, or the note is not true. */
function Remembered({
  size,
  row,
  standing,
}: {
  readonly size: number;
  readonly row: DatasetRow | null;
  readonly standing: Standing | null;
}) {
  const onChain = Math.max(row?.final ?? 0, standing?.anchored ?? 0);
  if (row === null || size <= onChain) return null;
  return (
    <p class="note">
      The chain had {counted(onChain, 'final block')} when this page asked, but this browser noted {count(size)}. Reload
      the page. If this does not change, either the log went back, which <code>plumb owner verify</code> can show, or
      somebody changed this browser's notes.
    </p>
  );
}

function Facts({
  row,
  standing,
  dataset,
  reader,
}: {
  readonly reader: Reader;
  readonly row: DatasetRow | null;
  readonly standing: Standing | null;
  readonly dataset: string;
}) {
  const nowMs = Date.now();
  const waiting = Math.max(0, (standing?.stored ?? 0) - Math.max(row?.recorded ?? 0, standing?.anchored ?? 0));
  return (
    <>
      {standing?.faults.map((fault) => (
        <p key={fault} class="bad">
          ✗ {fault}
        </p>
      ))}
      <dl class="facts-list">
        <Line name="Last capture">
          {standing === null
            ? UNREAD
            : standing.lastCaptureMs === null
              ? standing.stored === 0
                ? 'nothing yet'
                : NOT_TOLD[reader.kind]
              : `${ago(standing.lastCaptureMs, nowMs)}, ${utc(standing.lastCaptureMs)}`}
        </Line>
        <Line name="Recorded">
          {row?.recorded == null || row.final === null
            ? '–'
            : row.recorded === 0
              ? standing?.round == null
                ? 'no block yet'
                : 'none of its own: rounds anchor it'
              : `${counted(row.recorded, 'block')}, ${row.final < row.recorded ? `${count(row.recorded - row.final)} not final yet` : 'all final'}`}
        </Line>
        <Line name="Anchored">
          {standing === null
            ? UNREAD
            : standing.round === null
              ? row?.recorded == null || row.recorded === 0
                ? 'in no round'
                : 'in no round: it is recorded by itself'
              : `${counted(standing.anchored ?? 0, 'block')} in round ${count(standing.round.number)}, ${ago(standing.round.timeMs, nowMs)}${standing.round.isOwnWord ? " (the operator's own word)" : ''}`}
        </Line>
        <Line name="Waiting">
          {standing === null
            ? UNREAD
            : standing.stored === null
              ? NOT_TOLD[reader.kind]
              : standing.stored === 0
                ? 'nothing is stored yet'
                : waiting === 0
                  ? 'nothing: all that is stored is on the chain'
                  : `${counted(waiting, 'stored block')}${standing.oldestWaitingMs === null ? '' : `, the oldest for ${span(nowMs - standing.oldestWaitingMs)}`}`}
        </Line>
        <Line name="Kind">{row?.kind == null ? 'unknown' : KINDS[row.kind]}</Line>
        <Line name="Id">
          <code title={dataset}>{short(dataset)}</code>
        </Line>
      </dl>
      {standing?.notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
    </>
  );
}

function VerifyPanel({
  page,
  dataset,
  state,
}: {
  readonly page: PageState;
  readonly dataset: string;
  readonly state: DatasetState;
}) {
  const [scope, setScope] = useState<'sample' | 'all'>('sample');
  const [evidence, setEvidence] = useState<'possession' | 'retrieved'>('possession');
  const { reader } = page;
  if (reader.kind === 'nobody') {
    return (
      <p class="note">
        Verifying needs the owner's keys, or an auditor file. <a href="#/sign-in">Open my keys</a>
      </p>
    );
  }
  const size = state.map?.size ?? 0;
  // Below, where the map would be, it is said why.
  if (size === 0) return null;
  const sample = scope === 'all' || size <= SAMPLE ? null : SAMPLE;
  const isAuditor = reader.kind === 'auditor';
  const start = (): void => {
    if (state.run === null) void verify({ dataset, sample, range: null, evidence });
  };
  return (
    <section class="panel" aria-labelledby="verify-title">
      <h2 id="verify-title">Verify now</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
      >
        <fieldset>
          <legend>Which blocks</legend>
          <Choice name="scope" value="sample" chosen={scope} onChoose={setScope}>
            {size <= SAMPLE
              ? `All ${counted(size, 'block')}`
              : `${SAMPLE} at random: 99 % sure to notice if 1 % is damaged`}
          </Choice>
          {size <= SAMPLE ? null : (
            <Choice name="scope" value="all" chosen={scope} onChoose={setScope}>
              All {counted(size, 'block')}
            </Choice>
          )}
        </fieldset>
        {isAuditor ? (
          <p class="faint">As an auditor: every byte is fetched from the bucket and hashed here; none is decrypted.</p>
        ) : (
          <fieldset>
            <legend>How</legend>
            <Choice name="how" value="possession" chosen={evidence} onChoose={setEvidence}>
              The storage proves a random part of each block (quick)
            </Choice>
            <Choice name="how" value="retrieved" chosen={evidence} onChoose={setEvidence}>
              Fetch each block and hash every byte here (thorough)
            </Choice>
          </fieldset>
        )}
        <ActionButton isPrimary isBusy={state.run !== null} onPress={start}>
          Verify
        </ActionButton>
        {state.run === null ? null : <Progress run={state.run} />}
      </form>
      {state.problem === null ? null : (
        <p class="bad" role="alert">
          {state.problem}
        </p>
      )}
    </section>
  );
}

function Choice<Value extends string>({
  name,
  value,
  chosen,
  onChoose,
  children,
}: {
  readonly name: string;
  readonly value: Value;
  readonly chosen: Value;
  readonly onChoose: (value: Value) => void;
  readonly children: preact.ComponentChildren;
}) {
  return (
    <label class="choice">
      <input type="radio" name={name} value={value} checked={chosen === value} onChange={() => onChoose(value)} />{' '}
      <span>{children}</span>
    </label>
  );
}

const MOST_LISTED = 50;

function Result({
  dataset,
  result,
  isEarlier,
}: {
  readonly dataset: string;
  readonly result: VerifyResult;
  /** A newer check came to nothing: this one says nothing of now. */
  readonly isEarlier: boolean;
}) {
  const { checked, intact, damaged, faults, chain, assurance, proves, endedAtMs } = result;
  const bad = checked - intact;
  return (
    <section class="result" aria-labelledby="result-title">
      <h2 id="result-title">{isEarlier ? 'An earlier check' : 'Last check'}</h2>
      <p class={`verdict ${bad > 0 || faults.length > 0 ? 'bad' : isEarlier ? 'faint' : 'good'}`}>
        {verdictOf(result)}
      </p>
      {faults.map((fault) => (
        <p key={fault} class="bad">
          ✗ {fault}
        </p>
      ))}
      <p>
        Checked {ago(endedAtMs, Date.now())}, against chain block {count(chain.blockNumber)} ({utc(chain.timestampMs)}).{' '}
        {assurance}
      </p>
      {bad === 0 && faults.length === 0 ? <p class="faint">What this proves: {proves}.</p> : null}
      {damaged.length === 0 ? null : (
        <ul class="damage">
          {damaged.slice(0, MOST_LISTED).map((one) => (
            <li key={one.from}>
              <DamageLine dataset={dataset} place={one} />
            </li>
          ))}
          {damaged.length > MOST_LISTED ? <li>… and {count(damaged.length - MOST_LISTED)} more ranges</li> : null}
        </ul>
      )}
    </section>
  );
}

function verdictOf(result: VerifyResult): string {
  const { checked, intact, faults, counts } = result;
  const bad = checked - intact;
  const damaged = (counts.corrupted ?? 0) + (counts.misrecorded ?? 0);
  const of = `${counted(bad, 'block')} of ${count(checked)} checked`;
  // What nobody has shown may be intact: that is not known, and no less serious.
  if (bad > 0 && damaged === 0) return `✗ ${of} could not be verified`;
  if (bad > 0) return `✗ ${of} ${bad === 1 ? 'is' : 'are'} not intact`;
  const all = intactWords(result);
  return faults.length === 0 ? `✓ ${all}` : `✗ ${all}, but the log has not grown as it must`;
}

/** No more than was seen: a block of which a part was proven may be damaged elsewhere. */
function intactWords({ checked, total, evidence }: VerifyResult): string {
  const of = checked === total ? counted(total, 'block') : `${counted(checked, 'block')} of ${count(total)}`;
  if (evidence !== 'retrieved') return `No damage found in ${of}: a random part of each was proven`;
  if (checked < total) return `No damage found: every byte of ${of} is intact`;
  return total === 1 ? 'The one block is intact, every byte' : `All ${of} are intact, every byte`;
}

function DamageLine({ dataset, place }: { readonly dataset: string; readonly place: DamagedPlace }) {
  const { from, to, verdict, reason, blame } = place;
  return (
    <>
      <a href={hashOf({ view: 'block', dataset, index: from })}>
        {from === to ? `Block ${count(from)}` : `Blocks ${count(from)} to ${count(to)}`}
      </a>
      : <strong class="bad">{verdict}</strong>. {reason}
      {blame === null ? '' : ` Proven fault of the ${blame}.`}
    </>
  );
}
