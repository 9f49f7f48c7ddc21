import type { AuditReport, OnVerdicts } from '../client/audit-blocks.ts';
import { verifyDataset } from '../client/owner/verify-dataset.ts';
import { type RetrievalAudit, verifyRetrievable } from '../client/owner/verify-retrievable.ts';
import type { StorageService } from '../core/ports/service.ts';
import type { Connection } from './connection.ts';
import { openSource, type VerifyWay } from './verify-way.ts';

/** What Protocols I and II are run on. */
export interface VerifyParts {
  readonly connection: Connection;
  readonly service: StorageService;
  readonly deps: Omit<Parameters<typeof verifyRetrievable>[0], 'records'>;
}

/**
 * Checks blocks the wanted way; `onVerdicts` hears every verdict.
 * @throws FileError when the connection does not say where the blocks are; LedgerUnavailableError without the chain
 */
export async function verifyStored(
  { connection, service, deps }: VerifyParts,
  way: VerifyWay,
  scope: RetrievalAudit,
  onVerdicts?: OnVerdicts,
  signal?: AbortSignal,
): Promise<AuditReport> {
  if (way.protocol === 'I') {
    return verifyDataset({ ...deps, css: service }, { ...scope, evidence: way.evidence }, onVerdicts, signal);
  }
  const { source, close } = openSource(way, connection, service);
  try {
    return await verifyRetrievable({ ...deps, records: service }, source, scope, onVerdicts, signal);
  } finally {
    close();
  }
}
