import { existsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { AuditReport } from '../../client/audit-blocks.ts';
import { verifyDataset } from '../../client/owner/verify-dataset.ts';
import { counted } from '../../core/counted.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { type Connection, openLedger, openService, readConnection } from '../../library/connection.ts';
import { type DatasetEntry, readDatasets } from '../../library/dataset-list.ts';
import { openRounds } from '../../library/open-rounds.ts';
import { datasetKeyOf, type OpenedOwner } from '../../library/opened-owner.ts';
import { ownerAsProver } from '../../library/prove-blocks.ts';
import { showBytes } from '../device/parse-units.ts';
import { writeEvidence } from '../evidence/prove.ts';
import { EXIT } from '../exit-codes.ts';
import { progressBar } from '../output.ts';
import type { CommandContext } from '../run-command.ts';
import { startInBackground, stopInBackground } from './background-stack.ts';
import { type Captured, captureSource } from './capture-source.ts';
import { chooseSource } from './choose-source.ts';
import { damageCopy } from './damage-copy.ts';
import { keepStdin } from './keep-stdin.ts';
import { admitTryOwner, openTryDataset, openTryOwner } from './open-try.ts';
import { sayTried, type Tried } from './say-tried.ts';
import { calledAs, nearPath } from './shell-words.ts';
import { type Survey, surveySource } from './survey-source.ts';
import {
  deviceFiles,
  folderOption,
  readTried,
  requireUnused,
  type TryFolder,
  type TrySource,
  writeTried,
} from './try-folder.ts';

export interface TryOptions {
  readonly damage: boolean;
  readonly continue?: boolean;
}

/** Larger files are proven by their first blocks: evidence is for a file that somebody compares. */
const MOST_PROVEN_BYTES = 2 ** 30;
const FIRST_BLOCKS = 100;

/** All of `plumb try`: from somebody's data to a verdict on it, on a stack that stays. @returns the exit code */
export async function runTry(
  context: CommandContext,
  folder: TryFolder,
  given: string | undefined,
  options: TryOptions,
): Promise<number> {
  const { output, signal } = context;
  const before = await readTried(folder);
  const isNewFolder = before === null;
  const { source, sources } = await chooseSource(folder, given, before, options.continue === true);
  if (isNewFolder) await requireUnused(folder);
  const isStream = source.kind === 'stdin' && !(given === undefined && options.continue === true);
  const surveyed = isStream ? null : await surveySource(folder, source);
  await writeTried(folder, sources);
  const survey = surveyed ?? (await takeStdin(context, folder, source, isNewFolder));
  output.notice(`${counted(survey.files, 'file')}, ${showBytes(survey.bytes)}, of ${source.path}`);

  const own = { ...context, home: folder.home, stack: folder.stackFile, passwordFile: folder.passwordFile };
  let isNewStack = false;
  try {
    output.progress('Starting chain, object store, table and service on this machine …');
    const beganMs = performance.now();
    const [stack, owner] = await Promise.all([startInBackground(folder, signal), openTryOwner(folder, own)]);
    isNewStack = stack.isNew;
    output.notice(
      `Stack ${stack.isNew ? `started in ${((performance.now() - beganMs) / 1000).toFixed(1)} s` : 'is already running'}, process ${stack.pid ?? 'unknown'}, on loopback alone`,
    );
    const connection = await readConnection(own);
    await admitTryOwner(stack.stack, owner, survey.bytes);
    const entry = await openTryDataset(folder, own, owner, connection, source);
    const captured = await captureSource(deviceFiles(folder, source.name), survey, output, signal);
    const tried = await judge(own, folder, { connection, owner, entry, source, survey, captured }, options.damage);
    output.result(
      {
        dataset: entry.dataset,
        blocks: tried.report.total,
        bytes: captured.totalBytes,
        verdicts: tried.report.counts,
        damageSeen: tried.damage !== null && 'seen' in tried.damage ? tried.damage.seen : null,
        evidence: tried.evidence,
        console: `${stack.stack.apiUrl}/`,
        folder: folder.path,
      },
      sayTried(output, folder, { ...tried, source, survey, captured, consoleUrl: `${stack.stack.apiUrl}/` }),
    );
    const isShown = tried.damage === null || ('seen' in tried.damage && tried.damage.seen);
    return tried.report.ok && isShown ? EXIT.ok : EXIT.notIntact;
  } catch (error) {
    output.progress('Stopping the stack …');
    if (isNewStack) await stopInBackground(folder);
    output.notice(
      `Everything in ${nearPath(folder.path)} stays. To continue: ${calledAs()} try --continue${folderOption(folder)}`,
    );
    throw error;
  }
}

async function takeStdin(
  { output, signal }: CommandContext,
  folder: TryFolder,
  source: TrySource,
  isNewFolder: boolean,
): Promise<Survey> {
  try {
    await keepStdin(folder.inputFolder, output, signal);
    return await surveySource(folder, source);
  } catch (error) {
    // Nothing was captured: nothing stays.
    if (isNewFolder) {
      await rm(join(folder.path, 'try.json'), { force: true });
      for (const path of [folder.inputFolder, folder.path]) await rmdir(path).catch(() => {});
    }
    throw error;
  }
}

interface Trying {
  readonly connection: Connection;
  readonly owner: OpenedOwner;
  readonly entry: DatasetEntry;
  readonly source: TrySource;
  readonly survey: Survey;
  readonly captured: Captured;
}

/** Verifies all of it, then a damaged copy, and makes evidence. */
async function judge(
  context: CommandContext,
  folder: TryFolder,
  trying: Trying,
  damages: boolean,
): Promise<Pick<Tried, 'report' | 'damage' | 'evidence' | 'proven'>> {
  const { output, signal } = context;
  const { connection, owner, entry } = trying;
  const { dataset } = entry;
  const service = await openService(connection, owner, 'http');
  const report = await verifyAll(context, trying, service);
  output.progress('Damaging a copy of what is stored, and verifying it …');
  const keys = { dataset, datasetKeyOf: datasetKeyOf(owner, dataset) };
  const damage = damages ? await damageCopy(folder, { connection, service, ...keys }, signal) : null;
  output.progress('Making evidence …');
  const { evidence, proven } = await proveNewest(context, folder, trying);
  return { report, damage, evidence, proven };
}

async function verifyAll(
  { home, output, signal }: CommandContext,
  { connection, owner, entry }: Trying,
  service: StorageService,
): Promise<AuditReport> {
  const { dataset } = entry;
  const rounds = openRounds(home, connection, service, await readDatasets(home));
  const deps = { primitives: nodePrimitives, ledger: openLedger(connection), css: service, rounds };
  const audit = {
    dataset,
    datasetKeyOf: datasetKeyOf(owner, dataset),
    evidence: 'possession',
    anchor: 'final',
  } as const;
  const onVerdicts = (_: unknown, checked: number, wanted: number): void =>
    output.progress(`verifying ${progressBar(checked, wanted, 'blocks')}`);
  return verifyDataset(deps, { ...audit, fromBlock: connection.fromBlock }, onVerdicts, signal);
}

/** Evidence of the newest file, with which anybody can compare it; of a very large one, of the log's first blocks. */
async function proveNewest(
  context: CommandContext,
  folder: TryFolder,
  { connection, owner, entry, source, survey, captured }: Trying,
): Promise<Pick<Tried, 'evidence' | 'proven'>> {
  const entries = await readDatasets(context.home);
  const prover = { ...ownerAsProver(connection, owner, entry.dataset, entries), logKeyOf: null };
  const out = freeName(folder, source.name);
  const wanted = { out, open: true, metas: true, via: 'http', anchor: 'final', format: 'evidence' } as const;
  const file = survey.newest.sizeBytes <= MOST_PROVEN_BYTES ? survey.newest.name : null;
  const last = Math.min(FIRST_BLOCKS, captured.totalBlocks) - 1;
  const blocks =
    file === null ? ({ by: 'block', blocks: [{ from: 0, to: last }] } as const) : ({ by: 'file', name: file } as const);
  await writeEvidence(context, connection, prover, wanted, blocks);
  return { evidence: out, proven: file === null ? `blocks 0 to ${last}` : { path: join(survey.directory, file) } };
}

/** Evidence is never overwritten: somebody may have been given it. */
function freeName({ path }: TryFolder, name: string): string {
  for (let number = 1; ; number++) {
    const file = join(path, `${name}${number === 1 ? '' : `-${number}`}.evidence.json`);
    if (!existsSync(file)) return file;
  }
}
