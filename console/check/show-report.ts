import type { EvidenceReport } from '../../client/evidence/report-evidence.ts';
import { sayEvidence } from '../../client/evidence/say-evidence.ts';
import { sayDisagreement, sayDissent, sayFact } from '../../client/evidence/say-fact.ts';
import { sayStepValue } from '../../client/evidence/say-step-value.ts';
import { printable } from '../../client/printable.ts';
import type { EvidenceStep } from '../../core/evidence/verify-evidence.ts';
import type { Dissent } from '../../core/ports/chain-witness.ts';
import { byId, element } from './page.ts';

/** A verdict in one word or two, with the tone that it is shown in: colour is never all that tells them apart. */
const MARKS: Readonly<Record<EvidenceReport['verdict'], { readonly text: string; readonly tone: string }>> = {
  intact: { text: '✓ Intact', tone: 'good' },
  corrupted: { text: '✗ Not what was recorded', tone: 'bad' },
  unproven: { text: '✗ Proves nothing', tone: 'bad' },
  contradicted: { text: '✗ The chain contradicts it', tone: 'bad' },
  unconfirmed: { text: '? Not confirmed', tone: 'doubt' },
};

/** Shows the verdict: the word, the sentence, the facts, and what is left to the chain or came of asking it. */
export function showReport(report: EvidenceReport, dissent: readonly Dissent[] = []): void {
  const compared = report.data.length > 0 || report.strength === 'retrieved';
  const { text, tone } = report.verdict === 'intact' ? intactMark(compared, dissent.length > 0) : MARKS[report.verdict];
  const wasAsked = report.restsOn.some(({ holds, reason }) => holds !== null || reason !== null);
  showSentence(text, tone, `${sayEvidence(report)}${sayDisagreement(dissent)}`);
  byId('facts').replaceChildren(...factsOf(report).flatMap(([name, value]) => fact(name, value)));
  byId('chain').textContent =
    report.restsOn.length === 0
      ? 'Nothing, because the evidence failed before this step.'
      : wasAsked
        ? 'This is what your nodes show, and what it rests on:'
        : 'This page has not asked any node yet. You can look these up in an explorer of that chain, or ask nodes below.';
  byId('rests').replaceChildren(
    ...report.restsOn.map((fact) => element('li', { text: printable(wasAsked ? sayFact(fact) : fact.says) })),
  );
  byId('dissent').replaceChildren(
    ...dissent.map((one) => element('li', { text: printable(sayDissent(one)), className: 'bad' })),
  );
  byId('ask').hidden = report.restsOn.length === 0;
  byId('details').hidden = false;
}

/** Nodes that agree may lie together, so that the first line already says where others disagree. */
function intactMark(compared: boolean, isDisputed: boolean): { readonly text: string; readonly tone: string } {
  if (isDisputed) {
    return { text: '✓ Confirmed by the nodes that agree. Not all nodes agree.', tone: 'doubt' };
  }
  return compared ? MARKS.intact : { text: '✓ The evidence holds. Add the file that it is about.', tone: 'doubt' };
}

export function showSentence(mark: string, tone: string, sentence: string): void {
  byId('mark').hidden = mark === '';
  byId('mark').textContent = mark;
  byId('mark').className = tone;
  byId('sentence').textContent = printable(sentence);
}

/** Shows the steps; the first that fails is open. */
export function showSteps(steps: readonly EvidenceStep[]): void {
  byId('steps').replaceChildren(
    ...steps.map(({ title, paper, values, reason }) => {
      const holds = reason === null;
      const head = element('summary', {}, [
        element('strong', { text: holds ? '✓ Holds. ' : '✗ Fails. ', className: holds ? 'good' : 'bad' }),
        element('span', { text: title }),
        element('span', { text: paper === null ? '' : ` (step ${paper})`, className: 'paper' }),
      ]);
      const shown = Object.entries(values).flatMap(([name, value]) =>
        value === null ? [] : fact(name, sayStepValue(name, value)),
      );
      const details = element('details', {}, [
        head,
        ...(reason === null ? [] : [element('p', { text: printable(reason), className: 'bad' })]),
        element('dl', {}, shown),
      ]);
      (details as HTMLDetailsElement).open = !holds;
      return element('li', {}, [details]);
    }),
  );
}

function factsOf(report: EvidenceReport): [string, string][] {
  const { recorded, anchored, wholeTime, timestamp } = report;
  const facts: [string, string | null][] = [
    ['Dataset', report.name],
    ['Files', report.files.length === 0 ? null : report.files.join(', ')],
    ['Blocks', report.blocks.map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`)).join(', ')],
    ['Stored bytes', report.sizeBytes.toLocaleString('en')],
    ['Not before', report.notBefore],
    ['Not later than', report.notAfter],
    ['Owner', report.owner],
    ['Signed by device', report.signer],
    ['Recorded', recorded === null ? null : `chain block ${recorded.blockNumber}, transaction ${recorded.transaction}`],
    ['Anchored', anchored === null ? null : `round ${anchored.number} of ${anchored.anchorer}`],
    ['Chain', `${report.chainId}, contract ${report.contract}`],
    [
      'Time-stamp',
      timestamp === null ? null : 'in the file; this page does not check it, plumb verify --tsa-roots FILE does',
    ],
    ['Whole time', wholeTime === null ? null : `${wholeTime.from} to ${wholeTime.to}`],
    ['What this proves', report.proves],
  ];
  return facts.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, printable(value)]]));
}

function fact(name: string, value: string): HTMLElement[] {
  return [element('dt', { text: name }), element('dd', { text: printable(value), className: 'value' })];
}
