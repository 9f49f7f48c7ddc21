import type { PlannedBatch } from '../outbox/batch-rows.ts';
import { BlocksDamagedError, type MendableError } from '../outbox/errors.ts';
import { cutBatches } from '../outbox/log-end.ts';
import { keepLoss } from '../outbox/losses.ts';
import { setAsideDamaged } from '../outbox/set-aside.ts';
import type { DeviceRun } from './device-run.ts';

/**
 * Sets damaged blocks aside, says so, and lets the rest go on. Nothing is sealed or compared meanwhile, as batches that held
 * them lose their place.
 * @returns whether anything has changed
 */
export async function mendDamage(run: DeviceRun, cause: MendableError): Promise<boolean> {
  // A batch that is damaged as a whole was forgotten by whoever found it (forgetBatch).
  return cause instanceof BlocksDamagedError ? setAside(run, cause) : true;
}

async function setAside(
  run: DeviceRun,
  { fromSeq, toSeq }: { readonly fromSeq: number; readonly toSeq: number },
): Promise<boolean> {
  const { outbox, clock, report } = run.parts;
  const found = await run.logEnd.run(async () => setAsideDamaged(outbox, fromSeq, toSeq, clock.nowMs()));
  if (found.blocks === 0) return false;
  run.backlog.recount();
  report({ event: 'damaged', ...found });
  run.wake('seal');
  return true;
}

/**
 * Forgets a batch that is not stored, and what was made as its continuation: its blocks are planned anew and draw another
 * nonce. The log's end is the caller's meanwhile.
 */
export function forgetBatch(run: DeviceRun, { first }: Pick<PlannedBatch, 'first'>, missingBlocks: number): void {
  const { outbox, clock, report } = run.parts;
  const blocks = outbox.commit(() => {
    if (missingBlocks > 0)
      keepLoss(outbox, { kind: 'damaged', atMs: clock.nowMs(), blocks: missingBlocks, bytes: 0 }, false);
    return cutBatches(outbox, first);
  });
  run.backlog.recount();
  report({ event: 'resealed', from: first, blocks });
  run.wake('seal');
}
