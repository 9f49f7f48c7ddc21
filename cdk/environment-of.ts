import type { FunctionRow } from '../functions/table.ts';
import { namespaceOf } from './alarm-rows.ts';
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
  const { kuboApiUrl } = parameters;
  const served: Record<string, string> = {
    PLUMBLINE_RPC_URL: parameters.rpcUrl,
    PLUMBLINE_CHAIN_ID: String(parameters.chainId),
    PLUMBLINE_DISSC: parameters.contracts.dissc,
    PLUMBLINE_BUCKET: placed.bucket,
    PLUMBLINE_TABLE: placed.table,
    PLUMBLINE_OWNERS: JSON.stringify(parameters.owners),
    POWERTOOLS_METRICS_NAMESPACE: namespaceOf(parameters.stage),
    PLUMBLINE_AUTHORITIES: [placed.apiHost, ...parameters.authorities].join(','),
  };
  if (may.chain !== undefined) Object.assign(served, chainVariables(parameters));
  if (may.chain === 'record') served.PLUMBLINE_RELAYER_KEY_ID = placed.relayerKeyId;
  if (may.queue === 'wake') served.PLUMBLINE_ANCHOR_QUEUE = placed.anchorQueueUrl;
  if (may.ipfs === 'import' && kuboApiUrl !== null && placed.ipfsTokenArn !== null) {
    served.PLUMBLINE_IPFS_API = kuboApiUrl;
    served.PLUMBLINE_IPFS_TOKEN_SECRET = placed.ipfsTokenArn;
  }
  return served;
}

/** Only functions that read the chain ask for grants and agreements, or for how they are dealt with. */
function chainVariables(parameters: Parameters): Record<string, string> {
  const { contracts, cssAccount, fromBlock, grants, recordEveryMs } = parameters;
  const { minPerBatchWei, openQuotaBytes } = grants;
  return {
    ...(contracts.ocasc === null ? {} : { PLUMBLINE_OCASC: contracts.ocasc }),
    ...(contracts.asc === null ? {} : { PLUMBLINE_ASC: contracts.asc }),
    ...(cssAccount === null ? {} : { PLUMBLINE_CSS_ACCOUNT: cssAccount }),
    PLUMBLINE_FROM_BLOCK: String(fromBlock),
    PLUMBLINE_RECORD_EVERY_MS: String(recordEveryMs),
    PLUMBLINE_GRANTS_MIN_PER_BATCH_WEI: minPerBatchWei,
    ...(openQuotaBytes === null ? {} : { PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES: String(openQuotaBytes) }),
  };
}
