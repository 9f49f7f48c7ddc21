import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { checkToSign, type HeadToSign } from '../../client/owner/check-to-sign.ts';
import { planRecord, type RecordPlan, recordPlanned } from '../../client/owner/record-dataset.ts';
import { StateError } from '../../core/errors.ts';
import { type DatasetId, NATIVE_COIN } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { type Connection, openLedger } from '../../library/connection.ts';
import type { DatasetEntry } from '../../library/dataset-list.ts';
import { openDisscOwner } from '../../library/open-contracts.ts';
import { openRounds } from '../../library/open-rounds.ts';
import type { OpenedOwner } from '../../library/opened-owner.ts';
import { alarmLines, keepContradictions } from '../growth-text.ts';
import type { CommandContext } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';

/** What DISSC lacks of a dataset, and what it costs to record that: compared with all that this home has seen. */
export interface NewestRecording {
  /** Null where DISSC has all that the service shows. */
  readonly plan: RecordPlan | null;
  /** Sends it, and waits until it is mined. */
  send(plan: RecordPlan): Promise<MinedTransaction>;
}

/**
 * Looks what DISSC lacks of a dataset. Nothing is sent before `send`, and nothing is planned that does not extend what this home
 * has seen.
 * @throws as `planRecord`, `requireGrown`
 */
export async function planNewest(
  context: CommandContext,
  connection: Connection,
  opened: OpenedOwner,
  service: Pick<StorageService, 'getAnchor'>,
  entry: Pick<DatasetEntry, 'dataset' | 'charters'>,
): Promise<NewestRecording> {
  const { signal } = context;
  const { dataset } = entry;
  const deps = {
    hasher: nodePrimitives,
    sources: { ledger: openLedger(connection), fromBlock: connection.fromBlock, service, bucket: null },
    chain: openDisscOwner(context, connection, opened),
  };
  const wanted = { dataset, kept: entry.charters };
  const plan = await planRecord(deps, opened.address, wanted, signal);
  const newest = plan?.head ?? (await readRecorded(connection, dataset, signal));
  await requireGrown(context, connection, service, entry, { newest, mayBeShorter: false });
  return { plan, send: (planned) => recordPlanned(deps, planned, signal) };
}

/**
 * Compares a head with what this home has seen of its dataset, as `plumb owner verify` does, before the owner pays for it or makes
 * an offer about it.
 * @throws StateError when the log went back, contradicts what was seen, or cannot be compared with it
 */
export async function requireGrown(
  { home, output, signal }: CommandContext,
  connection: Connection,
  service: Pick<StorageService, 'getAnchor'>,
  entry: Pick<DatasetEntry, 'dataset' | 'charters'>,
  head: HeadToSign,
): Promise<void> {
  const rounds = openRounds(home, connection, service, [entry]);
  const { growth, refused } = await checkToSign(rounds, openLedger(connection), connection.fromBlock, head, signal);
  const evidence = await keepContradictions(home, growth);
  for (const line of alarmLines(output, growth, evidence)) output.notice(line);
  if (refused.length === 0) return;
  throw new StateError(
    `Nothing was sent. ${refused.join(' ')} To find out whose fault it is: plumb owner verify and plumb owner contradictions. If you started the log again yourself: plumb owner contradictions NAME --forget`,
    { details: { dataset: entry.dataset, evidence: evidence[0] ?? null } },
  );
}

async function readRecorded(connection: Connection, dataset: DatasetId, signal: AbortSignal): Promise<Head> {
  return (await openLedger(connection).readHeads([dataset], 'latest', signal)).heads[0] as Head;
}

/** What a plan does and costs, in a sentence: said before anything is sent. */
export function planText(name: string, { call, from, to, gas, maxCostWei }: RecordPlan): string {
  const { length } = call.charters;
  const charters = length === 0 ? [] : [length === 1 ? 'its charter' : `its ${length} charters`];
  const blocks = to > from ? [`blocks ${from.toLocaleString('en')} to ${(to - 1).toLocaleString('en')}`] : [];
  const what = [...charters, ...blocks].join(' and ');
  return `DISSC lacks ${what} of ${name}. Recording this takes ${gas.toLocaleString('en')} gas, at most ${showAmount(maxCostWei, NATIVE_COIN)}.`;
}
