import type { OutboxStatus } from '../../../device/outbox/read-status.ts';
import type { World } from '../world/build-world.ts';

/** Whether the device has kept all that was written, and all of that is checked. */
export function isAllChecked({ device, text }: Pick<World, 'device' | 'text'>): boolean {
  const status = device.status();
  if (status === null || device.acknowledgedBytes() < text.length) return false;
  const { checked: _, ...others } = status.states;
  return status.unsealed.blocks === 0 && Object.values(others).every(({ batches }) => batches === 0);
}

const LOOK_MS = 5 * 60_000;

/** Looks every few minutes whether what is not checked is among what the device says that it waits for. */
export function watchWaits(world: Pick<World, 'device' | 'time'>, fail: (what: string) => void): void {
  const { device, time } = world;
  const look = (): void => {
    const status = device.status();
    const waiting = status === null ? 0 : countWaiting(status);
    const said = status?.waits.reduce((sum, { blocks }) => sum + blocks, 0) ?? 0;
    if (waiting > said) fail(`${waiting} blocks wait, and status says so of ${said}`);
    time.after(LOOK_MS, look);
  };
  time.after(LOOK_MS, look);
}

function countWaiting({ unsealed, states }: OutboxStatus): number {
  const { checked: _, ...others } = states;
  return Object.values(others).reduce((sum, { blocks }) => sum + blocks, unsealed.blocks);
}

/** What a device still waits for, in a line. */
export function describeStatus({ device, text }: Pick<World, 'device' | 'text'>): string {
  const status = device.status();
  if (status === null) return 'the device is off';
  const waiting = Object.entries(status.states)
    .filter(([state, { batches }]) => state !== 'checked' && batches > 0)
    .map(([state, { batches }]) => `${batches} ${state}`);
  const kept = `${device.acknowledgedBytes()} of ${text.length} bytes acknowledged`;
  const waits = status.waits.map(
    (wait) => `${wait.for}${wait.overdue ? ' overdue' : ''}: ${wait.reason ?? 'no reason'}`,
  );
  return [kept, `${status.unsealed.blocks} blocks unsealed`, ...waiting, ...waits].join('; ');
}
