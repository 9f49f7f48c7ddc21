import type { OutboxStatus } from '../../../device/outbox/read-status.ts';
import type { SimulatedDevice } from '../device/run-lives.ts';
import type { World } from '../world/build-world.ts';

/** Whether the device has kept all that was written, and all of that is checked. */
export function isAllChecked({ devices }: Pick<World, 'devices'>): boolean {
  return devices.every(isItsChecked);
}

function isItsChecked({ status: read, writing }: SimulatedDevice): boolean {
  const status = read();
  if (status === null || !writing.isAllKept(status.captured)) return false;
  const { checked: _, ...others } = status.states;
  return status.unsealed.blocks === 0 && Object.values(others).every(({ batches }) => batches === 0);
}

const LOOK_MS = 5 * 60_000;

/** Looks every few minutes whether what is not checked is among what the device says that it waits for. */
export function watchWaits(world: Pick<World, 'devices' | 'time'>, fail: (what: string) => void): void {
  const { devices, time } = world;
  const look = (): void => {
    for (const device of devices) {
      const status = device.status();
      const waiting = status === null ? 0 : countWaiting(status);
      const said = status?.waits.reduce((sum, { blocks }) => sum + blocks, 0) ?? 0;
      if (waiting > said) fail(`${waiting} blocks wait, and status says so of ${said}`);
    }
    time.after(LOOK_MS, look);
  };
  time.after(LOOK_MS, look);
}

function countWaiting({ unsealed, states }: OutboxStatus): number {
  const { checked: _, ...others } = states;
  return Object.values(others).reduce((sum, { blocks }) => sum + blocks, unsealed.blocks);
}

/** What the devices still wait for, in a line. */
export function describeStatus({ devices }: Pick<World, 'devices'>): string {
  return devices.map(describeOne).join(' | ');
}

function describeOne(device: SimulatedDevice): string {
  const status = device.status();
  if (status === null) return 'the device is off';
  const waiting = Object.entries(status.states)
    .filter(([state, { batches }]) => state !== 'checked' && batches > 0)
    .map(([state, { batches }]) => `${batches} ${state}`);
  const { blocks, streamBytes } = status.captured;
  const isAll = device.writing.isAllKept(status.captured) ? 'all' : 'not all';
  const kept = `${isAll} that was written is kept: ${blocks} blocks, ${streamBytes} bytes of the stream`;
  const waits = status.waits.map(
    (wait) => `${wait.for}${wait.overdue ? ' overdue' : ''}: ${wait.reason ?? 'no reason'}`,
  );
  return [kept, `${status.unsealed.blocks} blocks unsealed`, ...waiting, ...waits].join('; ');
}
