import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { signMessage } from '../../adapters/keys/mnemonic.ts';
import type { RequestAccount } from '../../client/service/call-service.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type AuditedDataset, auditedDataset, readAuditorFile } from '../../library/auditor-file.ts';
import { type Connection, readConnection } from '../../library/connection.ts';
import type { CommandContext } from '../run-command.ts';

/** @throws ArgumentError when the file is about another chain or contract than the connection */
export async function openAuditor(
  context: CommandContext,
  path: string,
  name: string,
): Promise<{ readonly audited: AuditedDataset; readonly connection: Connection; readonly account: RequestAccount }> {
  const file = await readAuditorFile(path);
  const audited = auditedDataset(file, name);
  const connection = await readConnection(context);
  if (connection.chainId !== file.chainId || connection.dissc !== file.dissc) {
    throw new ArgumentError(
      `${path} is about DISSC ${file.dissc} on chain ${file.chainId}; the connection is to ${connection.dissc} on chain ${connection.chainId}.`,
    );
  }
  return { audited, connection, account: nobody() };
}

/** The service is asked for what is public alone: an account of this moment signs. */
function nobody(): RequestAccount {
  const key = nodePrimitives.randomBytes(32) as PrivateKey;
  return { address: accountOfKey(key), signMessage: (message) => signMessage(key, message) };
}
