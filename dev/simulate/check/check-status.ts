import type { World } from '../world/build-world.ts';

/** Whether the device has kept all that was written, and all of that is checked. */
export function isAllChecked({ device, text }: Pick<World, 'device' | 'text'>): boolean {
  const status = device.status();
  if (status === null || device.acknowledgedBytes() < text.length) return false;
  const { checked: _, ...others } = status.states;
  return status.unsealed.blocks === 0 && Object.values(others).every(({ batches }) => batches === 0);
}

/** What a device still waits for, in a line. */
export function describeStatus({ device, text }: Pick<World, 'device' | 'text'>): string {
  const status = device.status();
  if (status === null) return 'the device is off';
  const waiting = Object.entries(status.states)
    .filter(([state, { batches }]) => state !== 'checked' && batches > 0)
    .map(([state, { batches }]) => `${batches} ${state}`);
  const kept = `${device.acknowledgedBytes()} of ${text.length} bytes acknowledged`;
  const failures = status.failures.map(({ step, reason }) => `${step}: ${reason}`);
  return [kept, `${status.unsealed.blocks} blocks unsealed`, ...waiting, ...failures].join('; ');
}
