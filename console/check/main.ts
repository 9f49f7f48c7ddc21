import { PlumblineError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { askChain } from './ask-chain.ts';
import { type CheckedFiles, checkFiles, stepsOf } from './check-files.ts';
import { byId } from './page.ts';
import { showReport, showSentence, showSteps } from './show-report.ts';
import { sortFiles } from './sort-files.ts';

/*
 * The check page: evidence and files go in, one sentence comes out, then the steps. Verified by core itself, here. Files that
 * are added later join those that are there; new evidence takes the place of the old.
 */
let evidence: File | null = null;
let data: readonly File[] = [];
let running = new AbortController();
let checked: CheckedFiles | null = null;

const input = byId('files') as HTMLInputElement;
const drop = byId('drop');
const block = byId('block') as HTMLInputElement;
const form = byId('ask') as HTMLFormElement;
const nodes = byId('nodes') as HTMLTextAreaElement;
const agreeing = byId('agree') as HTMLInputElement;

input.addEventListener('change', () => {
  const files = [...(input.files ?? [])];
  // The same file may be chosen again once it was changed.
  input.value = '';
  void take(files);
});
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  drop.classList.add('over');
});
document.addEventListener('dragleave', () => drop.classList.remove('over'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  void take([...(event.dataTransfer?.files ?? [])]);
});
block.addEventListener('input', () => {
  const index = block.valueAsNumber;
  if (checked?.evidence.blocks.some((one) => one.index === index) !== true) {
    block.setCustomValidity('The evidence does not have this block.');
    return;
  }
  block.setCustomValidity('');
  showSteps(stepsOf(checked, index as BlockIndex));
});

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void ask();
});

async function ask(): Promise<void> {
  if (checked === null) return;
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const said = byId('asked');
  said.textContent = 'Asking …';
  try {
    const agree = agreeing.value === '' ? null : agreeing.valueAsNumber;
    const answered = await askChain(checked, nodes.value, agree, signal);
    if (signal.aborted) return;
    checked = answered.checked;
    showReport(checked.report, answered.dissent);
    said.textContent = 'Asked. The verdict above has their answers in it.';
  } catch (cause) {
    if (signal.aborted) return;
    said.textContent = cause instanceof PlumblineError ? cause.shortMessage : `This page failed: ${String(cause)}`;
  }
}

async function take(files: readonly File[]): Promise<void> {
  if (files.length === 0) return;
  running.abort();
  running = new AbortController();
  const { signal } = running;
  try {
    const sorted = await sortFiles(files);
    if (signal.aborted) return;
    // Files that came before any evidence still wait for it.
    const joins = sorted.evidence === null || evidence === null;
    data = joins ? [...data, ...sorted.data] : sorted.data;
    evidence = sorted.evidence ?? evidence;
    await check(sorted.others, signal);
  } catch (cause) {
    if (signal.aborted) return;
    byId('details').hidden = true;
    showSentence('✗ Not checked', 'bad', sayFailure(cause));
  } finally {
    if (!signal.aborted) byId('work').hidden = true;
  }
}

async function check(others: readonly File[], signal: AbortSignal): Promise<void> {
  checked = null;
  byId('asked').textContent = '';
  byId('details').hidden = true;
  if (evidence === null) {
    const names = data.map(({ name }) => name).join(', ');
    showSentence('', '', `${names}: now add the evidence, a file that ends in .evidence.json.`);
    return;
  }
  showSentence('', '', '');
  showProgress(evidence.name, 0, 1);
  const found = await checkFiles(evidence, data, showProgress, signal);
  if (signal.aborted) return;
  checked = found;
  showReport(found.report);
  showSteps(found.finding.steps);
  block.value = String(found.evidence.blocks[0]?.index ?? 0);
  if (others.length > 0) {
    const names = others.map(({ name }) => name).join(', ');
    byId('sentence').textContent += ` The page checks one evidence file at a time, so it ignored ${names}.`;
  }
}

function showProgress(name: string, doneBytes: number, sizeBytes: number): void {
  byId('work').hidden = false;
  byId('working').textContent = `Checking ${name} …`;
  (byId('bar') as HTMLProgressElement).value = sizeBytes === 0 ? 1 : doneBytes / sizeBytes;
}

function sayFailure(cause: unknown): string {
  if (cause instanceof PlumblineError)
    return `${evidence?.name} is not evidence that this page can read. ${cause.shortMessage}`;
  if (cause instanceof DOMException)
    return 'A file changed or disappeared while the page read it. Choose the files again.';
  return `This page failed: ${String(cause)}. Please report it.`;
}
