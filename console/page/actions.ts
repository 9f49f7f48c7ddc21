import { counted } from '../../core/counted.ts';
import { emptyMap, grownMap, noteStates } from '../engine/block-map.ts';
import type { Overview, Questions, VerifyProgress } from '../engine/questions.ts';
import { type Ask, askThrough } from './ask.ts';
import { readPlace } from './read-place.ts';
import { keep, recall } from './remember.ts';
import { hashOf, type Route, routeOf } from './route.ts';
import { change, changeDataset, current, datasetState, NOBODY } from './store.ts';
import { count } from './words.ts';

/*
 * What a reader can do. Each asks the worker, and puts what comes of it into the one state that the page shows.
 */

const search = new URLSearchParams(location.search);
const RPC_URL = search.get('rpc');
/** The policy of the worker's own address holds in it: it names the same node. */
const worker = new Worker(`worker.js${location.search}`, { type: 'module' });
const ask: Ask = askThrough(worker);
/** Asked for while the worker is still being loaded. */
let place: Promise<string> | null = null;
askPlace();

/** What came to nothing is not what the next one waits for. */
function askPlace(): Promise<string> {
  const asked = place ?? readPlace();
  place = asked;
  asked.catch(() => {
    if (place === asked) place = null;
  });
  return asked;
}

/** Aborted when the reader goes elsewhere, or stops what the page reads. */
let viewing = new AbortController();

export async function start(): Promise<void> {
  window.addEventListener('hashchange', () => void show(routeOf(location.hash)));
  await show(routeOf(location.hash));
}

/** Stops what the page reads for this view. */
export function stopReading(): void {
  viewing.abort();
  viewing = new AbortController();
  change({ busy: null, problem: { view: current().route.view, message: 'Stopped before everything was read.' } });
  focusHeading();
}

async function connect(signal: AbortSignal): Promise<void> {
  await attempt('Reading where this server keeps its chain …', async () => {
    try {
      const placeText = await orAborted(askPlace(), signal);
      change({ place: await ask('connect', { origin: location.origin, placeText, rpcUrl: RPC_URL }, { signal }) });
    } catch (cause) {
      // Asked again next time; but not for a reader who only goes to another view meanwhile.
      if (!isAbort(cause)) place = null;
      throw cause;
    }
  });
}

function orAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    result.then(resolve, reject);
  });
}

export function go(route: Route): void {
  location.hash = hashOf(route);
}

/** Asks again for what the reader looks at. */
export function refresh(): Promise<void> {
  return show(current().route);
}

async function show(route: Route): Promise<void> {
  viewing.abort();
  viewing = new AbortController();
  const { signal } = viewing;
  const before = current().route;
  change({ route, block: null, ...(before.view === route.view ? {} : { problem: null }) });
  if (before.view !== route.view) focusHeading();
  if (current().place === null) {
    await connect(signal);
    if (current().place === null) return;
  }
  if (route.view === 'overview' || route.view === 'fleet') await readOverview(signal);
  if (route.view === 'rounds') {
    await attempt('Reading rounds from the chain …', async () => {
      change({ rounds: await ask('rounds', null, { signal }) });
    });
  }
  if (route.view === 'agreements') {
    await attempt('Reading agreements from the chain …', async () => {
      change({ agreements: await ask('agreements', null, { signal }) });
    });
  }
  if (route.view === 'dataset') await openDataset(route.dataset, signal);
  if (route.view === 'block') {
    await attempt(`Checking block ${count(route.index)} …`, async () => {
      const block = await ask('block', { dataset: route.dataset, index: route.index }, { signal });
      change({ block });
      if (block.state !== 0) await noteBlock(route.dataset, block.index, block.state);
    });
  }
}

async function readOverview(signal: AbortSignal): Promise<void> {
  await attempt('Reading datasets from the chain …', async () => {
    change({ overview: await ask('overview', null, { signal, onTold: showNames }) });
    await recallOnce(current().overview?.rows.map(({ dataset }) => dataset) ?? []);
  });
}

/** The list is there before how far each is, unless an earlier one says that already. */
function showNames(named: Overview): void {
  if (current().overview === null) change({ overview: named });
}

async function openDataset(dataset: string, signal: AbortSignal): Promise<void> {
  await recallOnce([dataset]);
  await attempt('Reading the dataset from the chain …', async () => {
    const shown = current().overview;
    const isRead = shown?.rows.every(({ recorded }) => recorded !== null) === true;
    const overview = shown !== null && isRead ? shown : await ask('overview', null, { signal, onTold: showNames });
    change({ overview });
    await askStandings([dataset], signal);
    const row = overview.rows.find((one) => one.dataset === dataset);
    const anchored = current().standings.get(dataset)?.anchored ?? 0;
    const size = Math.max(row?.final ?? 0, anchored);
    const { map, version } = datasetState(dataset);
    changeDataset(dataset, { map: grownMap(map, size), version: version + 1 });
  });
}

const askedStandings = new Set<string>();

/** What rounds and the service say of datasets that are in view: asked once, and again on refresh. */
export async function askStandings(datasets: readonly string[], signal: AbortSignal = viewing.signal): Promise<void> {
  const fresh = datasets.filter((dataset) => !askedStandings.has(dataset));
  if (fresh.length === 0) return;
  for (const dataset of fresh) askedStandings.add(dataset);
  try {
    const found = await ask('standings', { datasets: fresh }, { signal });
    const standings = new Map(current().standings);
    for (const standing of found) standings.set(standing.dataset, standing);
    change({ standings });
  } catch (cause) {
    for (const dataset of fresh) askedStandings.delete(dataset);
    tell(cause);
  } finally {
    // What is shown is a moment's: looked at again, it is asked again.
    setTimeout(() => {
      for (const dataset of fresh) askedStandings.delete(dataset);
    }, 10_000);
  }
}

export async function signIn(files: readonly File[], password: string): Promise<boolean> {
  return attempt(
    'Opening the keys here. This takes some seconds …',
    async () => {
      const texts = await Promise.all(files.map(async (file) => ({ name: file.name, text: await readText(file) })));
      const reader = await ask('signIn', { files: texts, password });
      forgetReader();
      change({ reader, said: reader.kind === 'owner' ? 'Signed in as the owner.' : 'Signed in as an auditor.' });
      go({ view: 'overview' });
    },
    false,
  );
}

export async function signOut(): Promise<void> {
  await ask('signOut', null);
  forgetReader();
  change({ reader: NOBODY, said: 'The keys are forgotten.' });
  focusHeading();
  await refresh();
}

function forgetReader(): void {
  askedStandings.clear();
  recalled.clear();
  for (const { run, looking } of current().datasets.values()) {
    run?.stop();
    looking?.stop();
  }
  change({ overview: null, standings: new Map(), datasets: new Map(), block: null, agreements: null, rounds: null });
}

const MAX_FILE_BYTES = 64 * 2 ** 20;

async function readText(file: File): Promise<string> {
  return file.size > MAX_FILE_BYTES ? '' : file.text();
}

/** Verifies blocks of a dataset; what comes of each is drawn as it comes. */
export async function verify(wanted: Questions['verify']['ask']): Promise<void> {
  const { dataset } = wanted;
  const stopping = new AbortController();
  const run = begin(dataset, stopping, 'run');
  try {
    const last = await ask('verify', wanted, { onTold: run, signal: stopping.signal });
    const { map } = datasetState(dataset);
    if (map !== null) noteDisowned(dataset, last);
    changeDataset(dataset, { last, run: null });
    const bad = last.checked - last.intact;
    change({
      said: `Verified ${counted(last.checked, 'block')}: ${bad === 0 ? 'all intact' : `${count(bad)} not intact`}.`,
    });
    await keepDataset(dataset);
  } catch (cause) {
    changeDataset(dataset, { run: null, problem: isAbort(cause) ? STOPPED : messageOf(cause) });
    await keepDataset(dataset);
  }
}

const STOPPED = 'You stopped this check. The map shows what was verified until then.';

/** Retrieves and reads the blocks before `to`. */
export async function look(dataset: string, to: number | null, blocks: number): Promise<void> {
  const stopping = new AbortController();
  const told = begin(dataset, stopping, 'looking');
  try {
    const contents = await ask('contents', { dataset, to, count: blocks }, { onTold: told, signal: stopping.signal });
    changeDataset(dataset, { contents, looking: null });
    change({ said: `Read ${counted(contents.to - contents.from + 1, 'block')}.` });
    await keepDataset(dataset);
  } catch (cause) {
    changeDataset(dataset, { looking: null, problem: isAbort(cause) ? null : messageOf(cause) });
  }
}

function begin(dataset: string, stopping: AbortController, what: 'run' | 'looking'): (told: VerifyProgress) => void {
  const startedAtMs = Date.now();
  const stop = (): void => stopping.abort(new DOMException('Stopped.', 'AbortError'));
  changeDataset(dataset, { [what]: { checked: 0, wanted: 0, startedAtMs, stop }, problem: null });
  return ({ checked, wanted, blocks, states }) => {
    const { map, version } = datasetState(dataset);
    const most = blocks.reduce((a, b) => Math.max(a, b), -1);
    const grown = grownMap(map ?? emptyMap(0), most + 1);
    noteStates(grown, blocks, states, Date.now());
    changeDataset(dataset, { map: grown, version: version + 1, [what]: { checked, wanted, startedAtMs, stop } });
  };
}

function noteDisowned(dataset: string, { disowned }: Questions['verify']['answer']): void {
  const { map, version } = datasetState(dataset);
  if (map === null || disowned.length === 0) return;
  for (const { from, to } of disowned) map.states.fill(4, from, Math.min(to + 1, map.states.length));
  changeDataset(dataset, { version: version + 1 });
}

async function noteBlock(dataset: string, index: number, state: number): Promise<void> {
  await recallOnce([dataset]);
  const { map, version } = datasetState(dataset);
  const grown = grownMap(map, index + 1);
  noteStates(grown, Uint32Array.of(index), Uint8Array.of(state), Date.now());
  changeDataset(dataset, { map: grown, version: version + 1 });
  await keepDataset(dataset);
}

/** Makes evidence and hands it to the browser as a file. @returns what it says */
export async function makeEvidence(dataset: string, from: number, to: number, open: boolean): Promise<string | null> {
  let says: string | null = null;
  await attempt('Making evidence …', async () => {
    const made = await ask('evidence', { dataset, from, to, open }, { signal: viewing.signal });
    save(made.bytes, `blocks-${from}-${to}.evidence.json`, 'application/json');
    says = made.says;
  });
  return says;
}

/** Hands a verified file to the browser. */
export async function download(dataset: string, name: string, from: number, to: number): Promise<void> {
  await attempt(`Verifying ${name} …`, async () => {
    const { bytes } = await ask('file', { dataset, name, from, to }, { signal: viewing.signal });
    // Never a type that a browser would open: the content is somebody else's.
    save(bytes, name.split(/[\\/]/).at(-1) || 'lines.txt', 'application/octet-stream');
    change({ said: `${name || 'The lines'}: verified and handed to the browser.` });
  });
}

function save(bytes: Uint8Array, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const recalled = new Set<string>();

/** What an earlier visit noted of these datasets, unless this one has seen more already. */
async function recallOnce(datasets: readonly string[]): Promise<void> {
  const keys = new Map(
    datasets.flatMap((dataset): [string, string][] => {
      const key = keyOf(dataset);
      return key === null || recalled.has(key) ? [] : [[key, dataset]];
    }),
  );
  for (const key of keys.keys()) recalled.add(key);
  if (keys.size === 0) return;
  for (const [key, kept] of await recall([...keys.keys()])) {
    const dataset = keys.get(key) as string;
    const { map, version } = datasetState(dataset);
    if (map?.states.some((state) => state !== 0)) continue;
    changeDataset(dataset, { map: grownMap(kept.map, map?.size ?? 0), last: kept.last, version: version + 1 });
  }
}

async function keepDataset(dataset: string): Promise<void> {
  const { map, last } = datasetState(dataset);
  const key = keyOf(dataset);
  if (map !== null && key !== null) await keep(key, { map, last });
}

/** By chain, contract and reader: what an owner has verified is not shown to who comes after without keys. */
function keyOf(dataset: string): string | null {
  const { place, reader } = current();
  return place === null ? null : `${place.chainId} ${place.dissc} ${reader.account ?? reader.kind} ${dataset}`;
}

let attempts = 0;

/** @param canStop whether it hears when the reader stops it */
async function attempt(busy: string, run: () => Promise<void>, canStop = true): Promise<boolean> {
  attempts += 1;
  const mine = attempts;
  change({ busy, canStop, problem: null });
  try {
    await run();
    return true;
  } catch (cause) {
    tell(cause);
    return false;
  } finally {
    // A later one may wait for the same, in the same words.
    if (attempts === mine) change({ busy: null });
  }
}

function tell(cause: unknown): void {
  if (isAbort(cause)) return;
  change({ problem: { view: current().route.view, message: messageOf(cause) } });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function isAbort(cause: unknown): boolean {
  return cause instanceof Error && cause.name === 'AbortError';
}

/** Who reads with the ears or by keyboard goes on at the new view's heading. */
function focusHeading(): void {
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus()));
}
