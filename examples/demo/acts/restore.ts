import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FILES, LINES_FILE, readMeasurement } from '../measurements.ts';
import { plumb } from '../plumb-process.ts';
import type { StepLog } from '../step-log.ts';
import type { DemoDataset, DemoOwner } from './owner-setup.ts';

/** Gets a time range back and compares it, byte for byte, with what was measured. */
export async function restoreAndCompare(
  log: StepLog,
  owner: DemoOwner,
  datasets: Readonly<Record<'files' | 'lines', DemoDataset>>,
  range: { readonly fromMs: number; readonly toMs: number },
  folder: string,
): Promise<void> {
  log.act('The owner gets a time range back and compares it with the originals');
  const get = async (dataset: DemoDataset): Promise<string> => {
    const out = join(folder, 'restored', dataset.name);
    const times = ['--from', String(range.fromMs), '--to', String(range.toMs)];
    await plumb(['owner', 'get', dataset.name, ...owner.args, ...times, '--out', out], { env: owner.env });
    return out;
  };
  const [files, lines] = [get(datasets.files), get(datasets.lines)];
  for (const got of [files, lines]) got.catch(() => {});
  await log.step('files', FILES.map((name) => `${name}: equal`).join(', '), async () => {
    const out = await files;
    const compared = FILES.map(async (name) => `${name}: ${await compare(join(out, name), name)}`);
    return (await Promise.all(compared)).join(', ');
  });
  await log.step('lines', `${LINES_FILE}: equal`, async () => {
    const out = await lines;
    return `${LINES_FILE}: ${await compare(join(out, 'lines'), LINES_FILE)}`;
  });
}

async function compare(path: string, original: string): Promise<string> {
  const [restored, measured] = await Promise.all([readFile(path), readMeasurement(original)]);
  return restored.equals(measured) ? 'equal' : `differs (${restored.length} of ${measured.length} bytes)`;
}
