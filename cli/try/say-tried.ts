import type { AuditReport } from '../../client/audit-blocks.ts';
import { printable } from '../../client/printable.ts';
import { showBytes } from '../device/parse-units.ts';
import { showName } from '../device/show-name.ts';
import type { Output } from '../output.ts';
import type { Captured } from './capture-source.ts';
import type { DamageSeen } from './damage-copy.ts';
import { calledAs, nearPath, quoted } from './shell-words.ts';
import type { Survey } from './survey-source.ts';
import { countOf, folderOption, type TryFolder, type TrySource } from './try-folder.ts';

/** What came of it. */
export interface Tried {
  readonly source: TrySource;
  readonly survey: Survey;
  readonly captured: Captured;
  readonly report: AuditReport;
  /** Null where no copy was to be damaged. */
  readonly damage: DamageSeen | null;
  /** Path of the evidence file. */
  readonly evidence: string;
  /** What it is of: a file, or blocks. */
  readonly proven: { readonly path: string } | string;
  readonly consoleUrl: string;
}

/** Four sentences, where the console is, what stays, and what could be next. */
export function sayTried(output: Output, folder: TryFolder, tried: Tried): string {
  const near = nearPath(folder.path);
  const plumb = calledAs();
  const option = folderOption(folder);
  const evidence = quoted(nearPath(tried.evidence));
  const data = typeof tried.proven === 'string' ? '' : ` ${quoted(nearPath(tried.proven.path))}`;
  const commands: [string, string][] = [
    [`${plumb} verify ${evidence}${data}`, 'what anybody can do who has the evidence'],
    [`${plumb} try --continue${option}`, 'takes what is new, and verifies all of it again'],
    [`. ${quoted(`${near}/env`)}; ${plumb} owner get ${tried.source.name} --out ./back`, 'brings it back, verified'],
    [`${plumb} try --stop${option}`, 'ends the stack; its data stays'],
  ];
  return [
    ...[recorded(tried), verified(output, tried), damaged(output, tried), proven(tried)].map((line) => printable(line)),
    ...leftOut(tried),
    '',
    `Look at it: ${output.style('bold', tried.consoleUrl)}`,
    `All of it stays in ${near}, its keys included: whoever reads ${near}/password and ${near}/owner is the owner. Both are yours`,
    'alone (mode 0600), and no password needs to be typed. The chain is one of this machine; a public one is what strangers believe.',
    '',
    'Next:',
    ...commands.flatMap(([command, does]) => [`  ${command}`, `      ${does}`]),
  ].join('\n');
}

function recorded({ source, survey, captured, report }: Tried): string {
  const isNew = captured.blocks > 0 ? '' : ' Nothing of it is new.';
  const { point } = report.anchor;
  return `${countOf(survey.files, 'file')} of ${nearPath(source.path)} (${showBytes(survey.bytes)}) are stored encrypted, as ${countOf(report.total, 'block')}, and the chain has recorded their hashes for good (chain block ${point.blockNumber}).${isNew}`;
}

function verified(output: Output, { report }: Tried): string {
  if (report.ok) {
    return `${countOf(report.checked, 'block')} of ${report.total} ${output.style('green', 'verified')}: the storage had to show a random piece of each, and every piece is what was recorded.`;
  }
  const names = report.notIntact.slice(0, 5).map(({ index, verdict }) => `block ${index} is ${verdict}`);
  return output.style('red', `Not everything is as recorded: ${names.join(', ') || 'the log did not only grow'}.`);
}

function damaged(output: Output, { damage }: Tried): string {
  if (damage === null) return 'No copy was damaged, as --no-damage asks.';
  const { block, checked, seen } = damage;
  const done = `One bit of block ${block} was flipped in a copy of what is stored (${countOf(checked, 'block')})`;
  return seen
    ? `${done}, and verifying the copy named block ${block} as ${output.style('red', 'corrupted')} and no other.`
    : output.style('red', `${done}, and verifying the copy did NOT name exactly that block.`);
}

function proven({ evidence, proven: what }: Tried): string {
  const of = typeof what === 'string' ? what : showName(nearPath(what.path));
  return `${nearPath(evidence)} is evidence of ${of}: with it anybody can check that the data is what was recorded, and needs no key, no account and no service.`;
}

function leftOut({ captured }: Tried): string[] {
  const { count, reasons } = captured.leftOut;
  if (count === 0) return [];
  const lines = reasons.map(({ reason, count: n, examples }) => {
    const more = n > examples.length ? ` and ${(n - examples.length).toLocaleString('en')} more` : '';
    return `  ${examples.map(showName).join(', ')}${more}: ${reason}`;
  });
  return [`${countOf(count, 'thing')} in there ${count === 1 ? 'is' : 'are'} not recorded:`, ...lines];
}
