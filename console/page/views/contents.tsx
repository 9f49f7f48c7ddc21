import { useState } from 'preact/hooks';
import { printable } from '../../../client/printable.ts';
import { counted } from '../../../core/counted.ts';
import type { Contents, NamedContent } from '../../engine/questions.ts';
import { download } from '../actions.ts';
import type { DatasetState, PageState } from '../store.ts';
import { bytes, count, utcSpan } from '../words.ts';
import { ActionButton } from './action-button.tsx';
import { LazyChart } from './lazy-chart.tsx';
import { Progress } from './progress.tsx';

const LOOK_BLOCKS = 1_024;
const FIRST_CHARTS = 4;

/** What the newest blocks hold, retrieved, verified and decrypted here. */
export function ContentsView({
  page,
  dataset,
  state,
  onLook,
}: {
  readonly page: PageState;
  readonly dataset: string;
  readonly state: DatasetState;
  readonly onLook: (to: number | null, blocks: number) => void;
}) {
  if (page.reader.kind !== 'owner' || (state.map?.size ?? 0) === 0) return null;
  const { contents, looking } = state;
  return (
    <section aria-labelledby="contents-title">
      <h2 id="contents-title">Files and readings</h2>
      <div class="actions">
        <ActionButton isBusy={looking !== null} onPress={() => onLook(null, LOOK_BLOCKS)}>
          {contents === null
            ? `Read the newest ${counted(Math.min(LOOK_BLOCKS, state.map?.size ?? 0), 'block')}`
            : 'Read the newest again'}
        </ActionButton>
        {contents !== null && contents.from > 0 ? (
          <ActionButton isBusy={looking !== null} onPress={() => onLook(contents.from - 1, LOOK_BLOCKS)}>
            Read earlier blocks
          </ActionButton>
        ) : null}
      </div>
      {looking === null ? null : <Progress run={looking} />}
      {contents === null ? (
        <p class="faint">Blocks are fetched, verified whole and decrypted in this page. Nothing damaged is shown.</p>
      ) : (
        <Shown dataset={dataset} contents={contents} />
      )}
    </section>
  );
}

function Shown({ dataset, contents }: { readonly dataset: string; readonly contents: Contents }) {
  const { from, to, named, series, gaps, readBytes, isCut } = contents;
  const [isAll, setIsAll] = useState(false);
  const shown = isAll ? series : series.slice(0, FIRST_CHARTS);
  const times = [...series.flatMap((one) => [one.times[0] ?? 0, one.times.at(-1) ?? 0])];
  const [fromMs, toMs] = [Math.min(...times), Math.max(...times)];
  return (
    <>
      <p>
        Blocks {count(from)} to {count(to)}, {bytes(readBytes)} verified.
        {isCut ? ' The page reads no more at once.' : ''}
      </p>
      {gaps.length === 0 ? null : (
        <p class="bad">
          ✗{' '}
          {gaps
            .map((gap) =>
              gap.from === gap.to ? `Block ${count(gap.from)}` : `Blocks ${count(gap.from)} to ${count(gap.to)}`,
            )
            .slice(0, 10)
            .join(', ')}
          {gaps.length > 10 ? ` and ${count(gaps.length - 10)} more spans` : ''}: not as recorded, or not returned by
          the storage. Charts are shaded there.
        </p>
      )}
      {shown.map((one) => (
        <LazyChart key={one.name} series={one} fromMs={fromMs} toMs={toMs} />
      ))}
      {series.length > shown.length ? (
        <button type="button" onClick={() => setIsAll(true)}>
          Show {counted(series.length - shown.length, 'more reading')}
        </button>
      ) : null}
      <Names dataset={dataset} named={named} />
    </>
  );
}

const MOST_NAMES = 500;

function Names({ dataset, named }: { readonly dataset: string; readonly named: readonly NamedContent[] }) {
  if (named.length === 0) return <p>Nothing could be read.</p>;
  return (
    <div class="scroll">
      <table class="folds">
        <caption class="heard">Files and topics</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Captured</th>
            <th scope="col">Blocks</th>
            <th scope="col">Size</th>
            <th scope="col">
              <span class="heard">Download</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {named.slice(0, MOST_NAMES).map((one) => (
            <tr key={one.name}>
              <th scope="row">{one.name === '' ? 'lines without a name' : printable(one.name)}</th>
              <td data-name="Captured">{utcSpan(one.fromMs, one.toMs)}</td>
              <td data-name="Blocks" class={one.damagedBlocks > 0 ? 'bad' : ''}>
                {counted(one.blocks, 'block')}
                {one.damagedBlocks > 0 ? `, ${count(one.damagedBlocks)} damaged` : ''}
              </td>
              <td data-name="Size">{bytes(one.sizeBytes)}</td>
              <td>
                <button
                  type="button"
                  disabled={one.damagedBlocks > 0}
                  aria-label={`Download ${one.name === '' ? 'the lines' : printable(one.name)}`}
                  onClick={() => void download(dataset, one.name, one.firstBlock, one.lastBlock)}
                >
                  Download
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {named.length > MOST_NAMES ? <p class="faint">… and {count(named.length - MOST_NAMES)} more</p> : null}
    </div>
  );
}
