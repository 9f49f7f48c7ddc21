import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A share of one processor that programs started in it have together. */
export interface Throttle {
  /** How it is done, in words. */
  readonly how: string;
  /** A shell's line that goes before a program, to start it in here. */
  readonly enter: string;
  /** To be called when all in it have ended. */
  remove(): void;
}

const PERIOD_US = 20_000;

/** Limits by a control group of the kernel, of version 2 or 1; null where this user may make none. */
export function openThrottle(share: number): Throttle | null {
  const quotaUs = Math.round(share * PERIOD_US);
  const name = `plumbline-bench-${process.pid}`;
  const kinds = [
    { root: '/sys/fs/cgroup', sign: 'cgroup.subtree_control', limits: { 'cpu.max': `${quotaUs} ${PERIOD_US}` } },
    {
      root: '/sys/fs/cgroup/cpu',
      sign: 'cpu.cfs_quota_us',
      limits: { 'cpu.cfs_period_us': `${PERIOD_US}`, 'cpu.cfs_quota_us': `${quotaUs}` },
    },
  ];
  for (const { root, sign, limits } of kinds) {
    if (!existsSync(join(root, sign))) continue;
    const folder = join(root, name);
    try {
      mkdirSync(folder, { recursive: true });
      for (const [file, value] of Object.entries(limits)) writeFileSync(join(folder, file), value);
      return {
        how: `a control group with ${Math.round(share * 100)} % of one core`,
        enter: `echo $$ > ${join(folder, 'cgroup.procs')}`,
        remove: () => {
          if (readFileSync(join(folder, 'cgroup.procs'), 'utf8') === '') rmdirSync(folder);
        },
      };
    } catch {
      removeQuietly(folder);
    }
  }
  return null;
}

function removeQuietly(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It was never made.
  }
}
