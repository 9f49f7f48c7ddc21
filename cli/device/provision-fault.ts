import { PlumblineError } from '../../core/errors.ts';
import { ProvisionUnavailableError, readProvision } from '../../device/provision/read-provision.ts';

/** Why a device that starts now could not read its provision file; null where it could. A device that runs has read it. */
export function findProvisionFault(path: string): string | null {
  try {
    readProvision(path);
    return null;
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    const remedy =
      cause instanceof ProvisionUnavailableError
        ? 'The device tries again by itself.'
        : 'Put the file back, or have the owner write it anew: plumb device provision NAME. Keep the outbox where it is.';
    return `${cause.shortMessage} ${remedy}`;
  }
}
