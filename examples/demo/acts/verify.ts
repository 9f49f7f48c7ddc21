import { runPlumb } from '../plumb-process.ts';
import type { StepLog } from '../step-log.ts';
import type { DemoDataset, DemoOwner } from './owner-setup.ts';

/** The report of `plumb owner verify --json`, as far as the demo looks at it. */
interface Report {
  readonly counts: Readonly<Record<string, number>>;
  readonly notIntact: readonly { readonly index: number; readonly verdict: string }[];
}

/** Runs `plumb owner verify`. */
export async function verdictsOf(
  owner: DemoOwner,
  dataset: DemoDataset,
  flags: readonly string[] = [],
): Promise<string> {
  const args = ['owner', 'verify', dataset.name, ...owner.args, ...flags];
  const { lines, stderr } = await runPlumb(args, { env: owner.env });
  const report = lines.at(-1) as Partial<Report> | undefined;
  if (report?.counts === undefined) throw new Error(`${JSON.stringify(report ?? null)} ${stderr}`);
  return sayVerdicts(report as Report);
}

/** `3 intact` or `1 corrupted (17), 2 unavailable (20-21), 9 intact`. */
export function sayVerdicts(report: Report): string {
  const kinds = [...new Set(report.notIntact.map((verdict) => verdict.verdict))].sort();
  const bad = kinds.map((kind) => {
    const blocks = report.notIntact.filter((verdict) => verdict.verdict === kind).map((verdict) => verdict.index);
    return `${blocks.length} ${kind} (${sayBlocks(blocks)})`;
  });
  return [...bad, `${report.counts.intact ?? 0} intact`].join(', ');
}

/** `3, 5-9` */
export function sayBlocks(blocks: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const block of [...blocks].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && block === run[1] + 1) run[1] = block;
    else runs.push([block, block]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

/** Everything is intact, by both kinds of evidence, over both ways, whole and sampled. */
export async function verifyIntact(
  log: StepLog,
  owner: DemoOwner,
  datasets: Readonly<Record<'files' | 'lines' | 'load', DemoDataset>>,
  sizes: Readonly<Record<'files' | 'lines' | 'load', number>>,
): Promise<void> {
  log.act('The owner verifies (Protocol I): asks the storage, believes only the chain');
  const { files, lines, load } = datasets;
  const all = (count: number): string => `${count} intact`;
  // Begun together, told of one after the other.
  const ofFiles = verdictsOf(owner, files);
  const ofLines = verdictsOf(owner, lines, ['--evidence', 'attested']);
  const ofSample = verdictsOf(owner, lines, ['--sample', '--via', 'lambda']);
  const ofLoad = verdictsOf(owner, load);
  for (const verdicts of [ofFiles, ofLines, ofSample, ofLoad]) verdicts.catch(() => {});
  await log.step('files, a random chunk of every block (prove-chunks)', all(sizes.files), () => ofFiles);
  await log.step('lines, the hash of every block (hash-blocks)', all(sizes.lines), () => ofLines);
  const sampled = all(Math.min(460, sizes.lines));
  await log.step('lines, 460 blocks chosen at random, by Lambda Invoke', sampled, () => ofSample);
  await log.step('load, a random chunk of every block', all(sizes.load), () => ofLoad);
}
