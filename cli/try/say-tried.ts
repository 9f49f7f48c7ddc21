import type { AuditReport } from '../../client/audit-blocks.ts';
import { printable } from '../../client/printable.ts';
import { counted } from '../../core/counted.ts';
import { showBytes } from '../device/parse-units.ts';
import { showName } from '../device/show-name.ts';
import type { Output } from '../output.ts';
import type { Captured } from './capture-source.ts';
import type { DamageSeen } from './damage-copy.ts';
import { calledAs, nearPath, quoted } from './shell-words.ts';
import type { Survey } from './survey-source.ts';
import { folderOption, type TryFolder, type TrySource } from './try-folder.ts';

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
    [`${plumb} verify ${evidence}${data}`, 'what anyone who has the evidence can do'],
    [`${plumb} try --continue${option}`, 'takes new data, and verifies everything again'],
    [`. ${quoted(`${near}/env`)}; ${plumb} owner get ${tried.source.name} --out ./back`, 'restores the data, verified'],
    [`${plumb} try --stop${option}`, 'ends the stack; its data stays'],
  ];
  return [
    ...[recorded(tried), verified(output, tried), damaged(output, tried), proven(tried)].map((line) => printable(line)),
    ...leftOut(tried),
    '',
    `Look at it: ${output.style('bold', tried.consoleUrl)}`,
    `Everything stays in ${near}, including the keys. Whoever reads ${near}/password and ${near}/owner can act as the owner. Only you`,
    'can read them (mode 0600), so plumb asks for no password. The chain runs on this machine; to convince strangers, use a public one.',
    '',
    'Next:',
    ...commands.flatMap(([command, does]) => [`  ${command}`, `      ${does}`]),
  ].join('\n');
}

function recorded({ source, survey, captured, report }: Tried): string {
  const isNew = captured.blocks > 0 ? '' : ' None of it is new.';
  const { point } = report.anchor;
  return `${counted(survey.files, 'file')} of ${nearPath(source.path)} (${showBytes(survey.bytes)}) ${survey.files === 1 ? 'is' : 'are'} stored encrypted, as ${counted(report.total, 'block')}, and the chain has recorded ${report.total === 1 ? 'its hash' : 'their hashes'} permanently (as of chain block ${point.blockNumber}).${isNew}`;
}

function verified(output: Output, { report }: Tried): string {
  if (report.ok) {
    return `${counted(report.checked, 'block')} of ${report.total} ${output.style('green', 'verified')}: the storage had to show a random piece of each, and every piece matches what was recorded.`;
  }
  const names = report.notIntact.slice(0, 5).map(({ index, verdict }) => `block ${index} is ${verdict}`);
  return output.style(
    'red',
    `Some data is not as recorded: ${names.join(', ') || 'the log changed instead of only growing'}.`,
  );
}

function damaged(output: Output, { damage }: Tried): string {
  if (damage === null) return 'No copy was damaged, because you gave --no-damage.';
  if ('stored' in damage) {
    const what = damage.stored === null ? 'the manifest of a stored segment is' : damagedText(damage.stored);
    return output.style(
      'red',
      `No copy was damaged, because the stored data is damaged itself: ${what} not as recorded.`,
    );
  }
  const { block, checked, seen } = damage;
  const done = `One bit of block ${block} was flipped in a copy of what is stored (${counted(checked, 'block')})`;
  return seen
    ? `${done}, and verifying the copy reported block ${block} as ${output.style('red', 'corrupted')}, and no other.`
    : output.style('red', `${done}, but verifying the copy did NOT report exactly that block.`);
}

function damagedText(blocks: readonly number[]): string {
  const names = blocks.slice(0, 5).join(', ');
  const more = blocks.length > 5 ? ` and ${blocks.length - 5} more` : '';
  return blocks.length === 1 ? `block ${names} is` : `blocks ${names}${more} are`;
}

function proven({ evidence, proven: what }: Tried): string {
  const of = typeof what === 'string' ? what : showName(nearPath(what.path));
  return `${nearPath(evidence)} is evidence of ${of}. Anyone who has it can check that the data is what was recorded, without a key, an account or a service.`;
}

function leftOut({ captured }: Tried): string[] {
  const { count, reasons } = captured.leftOut;
  if (count === 0) return [];
  const lines = reasons.map(({ reason, count: n, examples }) => {
    const more = n > examples.length ? ` and ${(n - examples.length).toLocaleString('en')} more` : '';
    return `  ${examples.map(showName).join(', ')}${more}: ${reason}`;
  });
  return [`${counted(count, 'item')} in there ${count === 1 ? 'is' : 'are'} not recorded:`, ...lines];
}
