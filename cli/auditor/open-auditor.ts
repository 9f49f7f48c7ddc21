import { requireSameChain } from '../../library/audit-bucket.ts';
import { type AuditedDataset, auditedDataset, readAuditorFile } from '../../library/auditor-file.ts';
import { type Connection, readConnection } from '../../library/connection.ts';
import type { CommandContext } from '../run-command.ts';

/** @throws ArgumentError when the file is about another chain or contract than the connection */
export async function openAuditor(
  context: CommandContext,
  path: string,
  name: string,
): Promise<{ readonly audited: AuditedDataset; readonly connection: Connection }> {
  const file = await readAuditorFile(path);
  const audited = auditedDataset(file, name);
  const connection = await readConnection(context);
  requireSameChain(path, file, connection);
  return { audited, connection };
}
