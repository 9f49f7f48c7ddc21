import { useState } from 'preact/hooks';
import { sayStepValue } from '../../../client/evidence/say-step-value.ts';
import { printable } from '../../../client/printable.ts';
import type { BlockReport, BlockStep } from '../../engine/questions.ts';
import { makeEvidence } from '../actions.ts';
import { hashOf } from '../route.ts';
import type { PageState } from '../store.ts';
import { bytes, count, named, short, utc } from '../words.ts';
import { ActionButton } from './action-button.tsx';
import { Line } from './line.tsx';

const VERDICTS: Readonly<Record<string, { readonly text: string; readonly tone: string }>> = {
  intact: { text: '✓ Intact: these are the bytes that were recorded', tone: 'good' },
  corrupted: { text: '✗ Not what was recorded', tone: 'bad' },
  unavailable: { text: '✗ The storage did not return it', tone: 'bad' },
  refused: { text: '? The storage refused it', tone: 'doubt' },
  public: { text: 'Recorded. To compare the stored bytes, open your keys', tone: '' },
};

/** One block: the paper's steps with what stood on both sides, down to where it breaks. */
export function BlockView({
  page,
  dataset,
  index,
}: {
  readonly page: PageState;
  readonly dataset: string;
  readonly index: number;
}) {
  const row = page.overview?.rows.find((one) => one.dataset === dataset);
  const { block } = page;
  // By the chain's head, the first of the steps; as long as that is being read, any may be the last.
  const blocks = Number(block?.steps[0]?.values.blocks ?? Number.POSITIVE_INFINITY);
  return (
    <>
      <p class="path">
        <a href="#/">Overview</a> ›{' '}
        <a href={hashOf({ view: 'dataset', dataset })}>{named(row?.name ?? null, dataset)}</a>
      </p>
      <h1 tabIndex={-1}>Block {count(index)}</h1>
      {block === null || block.index !== index ? (
        <p class="faint">{page.busy ?? ''}</p>
      ) : (
        <Report page={page} dataset={dataset} report={block} />
      )}
      <p class="actions">
        {index > 0 ? <a href={hashOf({ view: 'block', dataset, index: index - 1 })}>Block {count(index - 1)}</a> : null}
        {index + 1 < blocks ? (
          <a href={hashOf({ view: 'block', dataset, index: index + 1 })}>Block {count(index + 1)}</a>
        ) : null}
      </p>
    </>
  );
}

function Report({
  page,
  dataset,
  report,
}: {
  readonly page: PageState;
  readonly dataset: string;
  readonly report: BlockReport;
}) {
  const { verdict, reason, steps, name, capturedAtMs, sizeBytes, signer } = report;
  const { text, tone } = VERDICTS[verdict] ?? { text: verdict, tone: 'bad' };
  return (
    <>
      <p class={`verdict ${tone}`}>{text}</p>
      {reason === null ? null : <p class="bad">{printable(reason)}</p>}
      <dl class="facts-list">
        {name === null ? null : <Line name="File or topic">{printable(name)}</Line>}
        {capturedAtMs === null ? null : <Line name="Captured">{utc(capturedAtMs)}</Line>}
        {sizeBytes === null ? null : <Line name="Stored bytes">{bytes(sizeBytes)}</Line>}
        {signer === null ? null : (
          <Line name="Signed by device">
            <code title={signer}>{short(signer)}</code>
          </Line>
        )}
      </dl>
      <h2>The steps</h2>
      <p class="faint">
        Numbers are those of the paper's Tables II and III. Steps 1 to 7 are the recording; the others were done here,
        just now.
      </p>
      <ol class="steps">
        {steps.map((step) => (
          <Step key={step.title} step={step} />
        ))}
      </ol>
      {verdict === 'intact' ? <MakeEvidence page={page} dataset={dataset} index={report.index} /> : null}
    </>
  );
}

function Step({ step: { title, paper, values, reason } }: { readonly step: BlockStep }) {
  return (
    <li>
      <h3>
        <span class={reason === null ? 'good' : 'bad'}>{reason === null ? '✓' : '✗'}</span>
        <span class="heard">{reason === null ? 'holds' : 'fails'}: </span> {title}
        {paper === null ? null : <span class="faint"> (step {paper})</span>}
      </h3>
      {reason === null ? null : <p class="bad">{printable(reason)}</p>}
      <dl class="values">
        {Object.entries(values).map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <code>{sayStepValue(name, value)}</code>
              </dd>
            </div>
          ),
        )}
      </dl>
    </li>
  );
}

function MakeEvidence({
  page,
  dataset,
  index,
}: {
  readonly page: PageState;
  readonly dataset: string;
  readonly index: number;
}) {
  const [says, setSays] = useState<string | null>(null);
  const [isOpen, setIsOpen] = useState(false);
  return (
    <section class="panel" aria-labelledby="evidence-title">
      <h2 id="evidence-title">Make evidence</h2>
      <p>One file that anybody can check without keys, in the check page or with the command plumb verify.</p>
      {page.reader.kind === 'owner' ? (
        <label class="choice">
          <input type="checkbox" checked={isOpen} onChange={(event) => setIsOpen(event.currentTarget.checked)} />{' '}
          <span>With the key of this one block, so that its reader can compare the content</span>
        </label>
      ) : null}
      <p class="actions">
        <ActionButton
          isPrimary
          isBusy={page.busy !== null}
          onPress={() => void makeEvidence(dataset, index, index, isOpen).then(setSays)}
        >
          Make evidence of this block
        </ActionButton>
        <a href="/check" target="_blank" rel="noreferrer">
          Open the check page
        </a>
      </p>
      {says === null ? null : <p class="good">✓ {printable(says)}</p>}
    </section>
  );
}
