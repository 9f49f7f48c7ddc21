import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { planRecord, type RecordPlan, recordPlanned } from '../../client/owner/record-dataset.ts';
import { NATIVE_COIN } from '../../core/ids.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { type Connection, openLedger } from '../../library/connection.ts';
import type { DatasetEntry } from '../../library/dataset-list.ts';
import { openDisscOwner } from '../../library/open-contracts.ts';
import type { OpenedOwner } from '../../library/opened-owner.ts';
import type { CommandContext } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';

/** What DISSC lacks of a dataset, and what it costs to record that. */
export interface NewestRecording {
  /** Null where DISSC has all that the service shows. */
  readonly plan: RecordPlan | null;
  /** Sends it, and waits until it is mined. */
  send(plan: RecordPlan): Promise<MinedTransaction>;
}

/** Looks what DISSC lacks of a dataset. Nothing is sent before `send`. @throws as `planRecord` */
export async function planNewest(
  context: CommandContext,
  connection: Connection,
  opened: OpenedOwner,
  service: Pick<StorageService, 'getAnchor'>,
  entry: Pick<DatasetEntry, 'dataset' | 'charters'>,
): Promise<NewestRecording> {
  const { signal } = context;
  const deps = {
    hasher: nodePrimitives,
    sources: { ledger: openLedger(connection), fromBlock: connection.fromBlock, service, bucket: null },
    chain: openDisscOwner(context, connection, opened),
  };
  const wanted = { dataset: entry.dataset, kept: entry.charters };
  const plan = await planRecord(deps, opened.address, wanted, signal);
  return { plan, send: (planned) => recordPlanned(deps, planned, signal) };
}

/** What a plan does and costs, in a sentence: said before anything is sent. */
export function planText(name: string, { call, from, to, gas, maxCostWei }: RecordPlan): string {
  const { length } = call.charters;
  const charters = length === 0 ? [] : [length === 1 ? 'its charter' : `its ${length} charters`];
  const blocks = to > from ? [`blocks ${from.toLocaleString('en')} to ${(to - 1).toLocaleString('en')}`] : [];
  const what = [...charters, ...blocks].join(' and ');
  return `DISSC lacks ${what} of ${name}. Recording that takes ${gas.toLocaleString('en')} gas, at most ${showAmount(maxCostWei, NATIVE_COIN)}.`;
}
