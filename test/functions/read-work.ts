import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { readMarks } from '../../functions/state/work-marks.ts';

/** Datasets that the anchor is to look at, in order. */
export async function readWork(table: Pick<Table, 'query'>): Promise<DatasetId[]> {
  const found: DatasetId[] = [];
  for await (const page of readMarks(table, nodePrimitives, 0)) found.push(...page.map(({ dataset }) => dataset));
  return found;
}
