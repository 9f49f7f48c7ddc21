import { type Publication, publishNext } from '../publish/publish-next.ts';
import type { DeviceRun } from './device-run.ts';
import type { Work } from './run-step.ts';

/** The step that publishes the sealed digests of what is final, one batch a look. */
export function createPublishStep(run: DeviceRun, publication: Publication): Work {
  return async (signal) => {
    const published = await run.paying.run(() => publishNext({ ...run.parts, publication }, signal));
    if (published) return 0;
    run.wake('seal');
    return Number.POSITIVE_INFINITY;
  };
}
