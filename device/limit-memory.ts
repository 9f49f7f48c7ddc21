import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation small. Sealing makes many small byte strings that die at once; left alone, V8 meets them with
 * a larger heap (some 350 MB at 1,000 blocks a second, against some 200 with this), which a small device does not have. The
 * flag is read each time the heap would grow, so it may be set while running.
 */
export function limitMemory(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
