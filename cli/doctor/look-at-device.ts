import { existsSync } from 'node:fs';
import { isOutboxHeld } from '../../device/outbox/lock-outbox.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { type Provision, readProvision } from '../../device/provision/read-provision.ts';
import type { Connection } from '../../library/connection.ts';
import { outboxPathOf } from '../device/outbox-path.ts';
import { waitsText } from '../device/wait-text.ts';
import { bad, type Finding, ok, warn } from './finding.ts';
import { lookAtMode } from './look-at-home.ts';

/** A device's file, and its outbox beside it: readable by this version, by nobody else, and of this chain. */
export async function lookAtDevice(path: string, connection: Connection | null): Promise<readonly Finding[]> {
  const provision = readProvision(path);
  return [ofProvision(path, provision, connection), ...(await ofOutbox(outboxPathOf(path)))];
}

function ofProvision(path: string, provision: Provision, connection: Connection | null): Finding {
  const { chainId, dissc, dataset } = provision;
  if (connection !== null && (connection.chainId !== chainId || connection.dissc !== dissc)) {
    return bad(
      'device',
      `${path} is for chain ${chainId} and DISSC ${dissc}, but the connection is to chain ${connection.chainId} and DISSC ${connection.dissc}.`,
      'Use the stack or home with which you made it, or make it again: plumb device provision NAME',
    );
  }
  return ok('device', `${path} is valid and private: dataset ${dataset}.`);
}

async function ofOutbox(path: string): Promise<readonly Finding[]> {
  if (!existsSync(path)) {
    return [
      warn(
        'outbox',
        `There is no ${path}: the device has not run here yet.`,
        'Run it: plumb device run --source dir:PATH',
      ),
    ];
  }
  const mode = await lookAtMode(path);
  if (mode !== null) return [bad('outbox', mode, 'It holds captured data unencrypted.')];
  const outbox = openOutboxReadOnly(path);
  try {
    const nowMs = Date.now();
    const { waits } = readStatus(outbox, nowMs);
    const overdue = waits.filter((wait) => wait.overdue);
    const runs = isOutboxHeld(path) ? 'a device is running on it' : 'no device is running on it';
    if (overdue.length > 0)
      return [bad('outbox', waitsText(overdue, nowMs).join(' '), `For details: plumb device status`)];
    return [ok('outbox', `${path}: ${runs}, nothing waits too long.`)];
  } finally {
    outbox.close();
  }
}
