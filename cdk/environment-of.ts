import type { FunctionRow } from '../functions/table.ts';
import type { Parameters } from './read-parameters.ts';

/** Names and addresses that exist once the stack does. */
export interface Placed {
  readonly bucket: string;
  readonly table: string;
  readonly anchorQueueUrl: string;
  readonly relayerKeyId: string;
  readonly apiHost: string;
  readonly ipfsTokenArn: string | null;
}

/** The variables that functions/ports-from-env.ts reads; each function is told only of what its row lets it touch. */
export function environmentOf({ may }: FunctionRow, parameters: Parameters, placed: Placed): Record<string, string> {
  const { contracts, kuboApiUrl } = parameters;
  const served: Record<string, string> = {
    PLUMBLINE_RPC_URL: parameters.rpcUrl,
    PLUMBLINE_CHAIN_ID: String(parameters.chainId),
    PLUMBLINE_DISSC: contracts.dissc,
    PLUMBLINE_BUCKET: placed.bucket,
    PLUMBLINE_TABLE: placed.table,
    PLUMBLINE_OWNERS: JSON.stringify(parameters.owners),
    PLUMBLINE_AUTHORITIES: [placed.apiHost, ...parameters.authorities].join(','),
  };
  if (may.chain !== undefined && contracts.ocasc !== null) served.PLUMBLINE_OCASC = contracts.ocasc;
  if (may.chain !== undefined && contracts.asc !== null) served.PLUMBLINE_ASC = contracts.asc;
  if (may.chain === 'record') served.PLUMBLINE_RELAYER_KEY_ID = placed.relayerKeyId;
  if (may.queue === 'wake') served.PLUMBLINE_ANCHOR_QUEUE = placed.anchorQueueUrl;
  if (may.ipfs === 'import' && kuboApiUrl !== null && placed.ipfsTokenArn !== null) {
    served.PLUMBLINE_IPFS_API = kuboApiUrl;
    served.PLUMBLINE_IPFS_TOKEN_SECRET = placed.ipfsTokenArn;
  }
  return served;
}
