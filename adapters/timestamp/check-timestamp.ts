import type { Certificate } from 'pkijs';
import { toHex } from '../../core/bytes.ts';
import { PlumblineError } from '../../core/errors.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import { type TimestampFinding, timestampMessage, UNREAD_TIMESTAMP } from '../../core/evidence/timestamp.ts';
import type { EvidenceFinding, EvidenceStep } from '../../core/evidence/verify-evidence.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { verifyToken } from './verify-token.ts';

export interface CheckedTimestamp {
  /** With the token's step: it does not hold where the token is not on this head, or is signed wrongly. */
  readonly finding: EvidenceFinding;
  /** Undefined where there is no token. */
  readonly timestamp: TimestampFinding | undefined;
}

const NOT_LOOKED_AT = 'The time-stamp was not checked, because the evidence does not hold.';

/**
 * Checks the time-stamp token that evidence brings along, if it does.
 * @param roots certificates that the reader trusts; null where none are named
 * @example
 * const { finding, timestamp } = await checkTimestamp(primitives, evidence, verifyEvidence(primitives, evidence, trust), null);
 */
export async function checkTimestamp(
  primitives: Primitives,
  evidence: EvidenceFile,
  finding: EvidenceFinding,
  roots: readonly Certificate[] | null,
): Promise<CheckedTimestamp> {
  const { timestamp: token, head } = evidence;
  if (token === null) return { finding, timestamp: undefined };
  if (!finding.holds) return { finding, timestamp: { ...UNREAD_TIMESTAMP, reason: NOT_LOOKED_AT } };
  const message = timestampMessage(primitives, head);
  const step = { step: 'timestamp', paper: null, title: 'The time-stamp is on this head' } as const;
  const imprint = { imprint: `0x${toHex(primitives.sha256(message))}` };
  try {
    const timestamp = await verifyToken(token, message, roots);
    const { atMs, authority, policy, serialNumber, root } = timestamp;
    const at = atMs === null ? null : new Date(atMs).toISOString();
    const values = { ...imprint, at, authority, policy, serialNumber, root };
    const held: EvidenceStep = { ...step, values, reason: timestamp.holds === false ? timestamp.reason : null };
    return { finding: { ...finding, steps: [...finding.steps, held] }, timestamp };
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    const reason = cause.shortMessage;
    const failed: EvidenceStep = { ...step, values: imprint, reason };
    return {
      finding: { ...finding, holds: false, reason, steps: [...finding.steps, failed] },
      timestamp: { ...UNREAD_TIMESTAMP, holds: false, reason },
    };
  }
}
