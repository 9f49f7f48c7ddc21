import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { createSecretFile } from '../adapters/keys/secret-file.ts';
import type { GrowthReport } from '../client/growth/growth-report.ts';
import type { RoundStanding } from '../client/growth/round-standing.ts';
import { printable } from '../client/printable.ts';
import { toHex, utf8 } from '../core/bytes.ts';
import { counted } from '../core/counted.ts';
import { encodeContradiction } from '../core/evidence/contradiction-file.ts';
import { durationText } from './duration-text.ts';
import type { Output } from './output.ts';

/** What is recorded on DISSC, and what a round has of it, are always told apart. */
export function standingLines({
  recordedSize,
  round,
  said,
}: {
  readonly recordedSize: number;
  readonly round: RoundStanding | null;
  readonly said: string | null;
}): string[] {
  const recorded =
    recordedSize === 0 && round !== null ? [] : [`  recorded      ${counted(recordedSize, 'block')} on DISSC`];
  return [
    ...recorded,
    ...(round === null ? [] : anchoredLines(round)),
    ...(said === null ? [] : [`  no round      ${printable(said)}`]),
  ];
}

function anchoredLines({ anchorer, round, size, isEarlier, isOwnWord, late }: RoundStanding): string[] {
  const where = `round ${round.number} of ${anchorer}, chain block ${round.blockNumber}`;
  return [
    `  anchored      ${counted(size, 'block')}, in ${where}${isEarlier ? '; the newest round seen here that holds them' : ''}`,
    ...(isOwnWord
      ? [
          "  own word      one operator's own word: the anchorer, the storage and the device belong to the same operator",
        ]
      : []),
    ...(late === null ? [] : [`  late          ${lateText(late)}`]),
  ];
}

/** Of a newest round that is older than the limit. */
export function lateText({ ageMs, limitMs, waitingBlocks }: NonNullable<RoundStanding['late']>): string {
  const waiting =
    waitingBlocks === 0
      ? 'the service says that nothing of this dataset waits for the next one'
      : `${counted(waitingBlocks, 'stored block')} ${waitingBlocks === 1 ? 'waits' : 'wait'} for the next one`;
  return `the newest round is ${durationText(ageMs)} old (limit ${durationText(limitMs)}); ${waiting}`;
}

/** What this home's memory says: always, as without one a round says nothing of those before it. */
export function growthLines(output: Output, growth: GrowthReport, evidence: readonly string[]): string[] {
  const { seen } = growth;
  const before =
    seen === null
      ? 'this home has seen no earlier head, so it cannot tell whether the log has only grown'
      : `seen before: ${counted(seen.size, 'block')}, ${seen.round === null ? 'on DISSC' : `in round ${seen.round}`}, chain block ${seen.blockNumber}`;
  return [`  growth        ${before}`, ...alarmLines(output, growth, evidence)];
}

/** What this home's memory finds wrong, if anything. */
export function alarmLines(
  output: Output,
  { faults, unknown, problems }: Pick<GrowthReport, 'faults' | 'unknown' | 'problems'>,
  evidence: readonly string[],
): string[] {
  return [
    ...problems.map((problem) => `  memory        ${printable(problem)}`),
    ...unknown.map((reason) => `  not compared  ${printable(reason)}`),
    ...faults.map(({ kind, reason, fault }) => {
      const blame = fault === null ? '' : ` Proven fault of the ${fault.party}, ${fault.account}.`;
      return `  ${output.style('red', kind)}: ${printable(reason)}${blame}`;
    }),
    ...evidence.map((path) => `  evidence      ${path}; anyone can check it: plumb owner contradictions --check FILE`),
  ];
}

/** Where contradictions are kept that a home has found. */
export const contradictionsFolder = (home: string): string => join(home, 'contradictions');

/** Whoever has a device's key can sign any number of heads. */
const MOST_OF_ONE_DATASET = 16;

/** Writes what proves contradictions, each once, and returns the files. */
export async function keepContradictions(home: string, { contradictions }: GrowthReport): Promise<string[]> {
  if (contradictions.length === 0) return [];
  const folder = contradictionsFolder(home);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const written: string[] = [];
  for (const found of contradictions) {
    const { shorter, longer } = found.contradiction;
    const heads = `${toHex(shorter.root)}${toHex(shorter.signature)}${toHex(longer.root)}${toHex(longer.signature)}`;
    const prefix = shorter.dataset.slice(2, 18);
    const hash = toHex(nodePrimitives.sha256(utf8(heads))).slice(0, 12);
    const path = join(folder, `${prefix}-${shorter.size}-${longer.size}-${hash}.json`);
    if (!existsSync(path)) {
      const others = (await readdir(folder)).filter((name) => name.startsWith(prefix));
      if (others.length >= MOST_OF_ONE_DATASET) continue;
      await createSecretFile(path, encodeContradiction(found));
    }
    written.push(path);
  }
  return written;
}
