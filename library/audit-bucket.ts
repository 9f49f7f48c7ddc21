import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { signMessage } from '../adapters/keys/mnemonic.ts';
import type { AuditReport, OnVerdicts } from '../client/audit-blocks.ts';
import type { BlockRange } from '../client/disowned-blocks.ts';
import { verifyRetrievable } from '../client/owner/verify-retrievable.ts';
import type { RequestAccount } from '../client/service/call-service.ts';
import { ArgumentError, FileError, KeyError } from '../core/errors.ts';
import type { PrivateKey } from '../core/ids.ts';
import type { Anchor } from '../core/ports/ledger.ts';
import { DEFAULT_SAMPLE } from '../core/sampling/confidence.ts';
import { accountOfKey } from '../core/typed-data.ts';
import { type AuditedDataset, type AuditorFile, auditKeysOf } from './auditor-file.ts';
import { type Connection, openBucket, openLedger, openService } from './connection.ts';
import { openRounds } from './open-rounds.ts';

/** Which blocks an auditor looks at. */
export interface AuditOptions {
  /** Blocks chosen at random: how many, or `true` for 460. All when absent. */
  readonly sample?: number | true | undefined;
  /** Blocks from … to, both inclusive. All when absent. */
  readonly blocks?: BlockRange | undefined;
  /** The chain state to check against; `final` when absent. */
  readonly anchor?: Anchor;
}

/** @throws ArgumentError when an auditor's file is about another chain or contract than the connection */
export function requireSameChain(path: string, file: AuditorFile, connection: Connection): void {
  if (connection.chainId === file.chainId && connection.dissc === file.dissc) return;
  throw new ArgumentError(
    `${path} is for DISSC ${file.dissc} on chain ${file.chainId}, but the connection is to ${connection.dissc} on chain ${connection.chainId}.`,
  );
}

/**
 * Protocol II from the bucket by somebody who reads no content: every byte is hashed here, none is decrypted.
 * @param home folder that remembers what was seen; null: nothing is remembered
 * @throws FileError when the connection names no bucket; LedgerUnavailableError when the chain cannot be read
 */
export async function auditBucket(
  connection: Connection,
  home: string | null,
  audited: AuditedDataset,
  { sample, blocks, anchor = 'final' }: AuditOptions,
  onVerdicts?: OnVerdicts,
  signal?: AbortSignal,
): Promise<AuditReport> {
  const bucket = await openBucket(connection);
  if (bucket === null) throw new FileError('No bucket is configured. Add s3 {bucket, region} to connection.json.');
  try {
    const service = await openService(connection, passingAccount(), 'http');
    const deps = {
      ...{ primitives: nodePrimitives, ledger: openLedger(connection), records: service },
      rounds: openRounds(home, connection, service, [audited]),
    };
    const audit = {
      ...{ dataset: audited.dataset, anchor, fromBlock: connection.fromBlock, auditKeyOf: auditKeysOf(audited) },
      datasetKeyOf: () => {
        throw new KeyError('An auditor has no content keys.');
      },
      ...(blocks === undefined ? {} : { range: blocks }),
      ...(sample === undefined ? {} : { sample: sample === true ? DEFAULT_SAMPLE : sample }),
    };
    return await verifyRetrievable(deps, { from: 's3', bucket }, audit, onVerdicts, signal);
  } finally {
    bucket.close();
  }
}

/** The service is asked for what is public alone: an account of this moment signs. */
export function passingAccount(): RequestAccount {
  const key = nodePrimitives.randomBytes(32) as PrivateKey;
  return { address: accountOfKey(key), signMessage: (message) => signMessage(key, message) };
}
