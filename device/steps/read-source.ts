import type { DeviceRun } from './device-run.ts';
import { isLasting } from './is-lasting.ts';

/** The step that lets the source capture, until it has nothing more. What cannot mend itself ends the run. */
export async function readSource(run: DeviceRun, signal: AbortSignal): Promise<number> {
  const { parts, options, sourceParts } = run;
  try {
    await parts.source.run(sourceParts, { once: options.untilIdle }, signal);
  } catch (cause) {
    if (isLasting(cause)) run.ending.fail(cause);
    throw cause;
  }
  if (signal.aborted) return 0;
  run.endSource();
  parts.report({ event: 'source-complete' });
  run.wake('seal');
  return Number.POSITIVE_INFINITY;
}
