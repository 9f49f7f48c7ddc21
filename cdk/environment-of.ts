import type { FunctionRow } from '../functions/row.ts';
import { type Variable, variablesOf } from '../lambda/variables.ts';
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

/** A function's environment: of all that is known here, the variables that its row has to do with. */
export function environmentOf(row: FunctionRow, parameters: Parameters, placed: Placed): Record<string, string> {
  const values = valuesOf(parameters, placed);
  const given = [...variablesOf(row)].flatMap((name) => {
    const value = values[name];
    return value === null ? [] : [[name, value] as const];
  });
  return { POWERTOOLS_METRICS_NAMESPACE: namespaceOf(parameters), ...Object.fromEntries(given) };
}

/** Null: this stage has none. */
function valuesOf(parameters: Parameters, placed: Placed): Readonly<Record<Variable, string | null>> {
  const { contracts, grants } = parameters;
  return {
    PLUMBLINE_RPC_SECRET: parameters.rpcSecret.arn,
    PLUMBLINE_RPC_SECRET_VERSION: parameters.rpcSecret.versionId,
    PLUMBLINE_CHAIN_ID: String(parameters.chainId),
    PLUMBLINE_FINAL_DEPTH: parameters.finalDepth === null ? null : String(parameters.finalDepth),
    PLUMBLINE_AUTHORITIES: [placed.apiHost, ...parameters.authorities].join(','),
    PLUMBLINE_BUCKET: placed.bucket,
    PLUMBLINE_TABLE: placed.table,
    PLUMBLINE_DISSC: contracts.dissc,
    PLUMBLINE_OCASC: contracts.ocasc,
    PLUMBLINE_ASC: contracts.asc,
    PLUMBLINE_CSS_ACCOUNT: parameters.cssAccount,
    PLUMBLINE_GRANTS_MIN_PER_RECORD_WEI: grants.minPerRecordWei,
    PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES: grants.openQuotaBytes === null ? null : String(grants.openQuotaBytes),
    PLUMBLINE_RELAYER_KEY_ID: placed.relayerKeyId,
    PLUMBLINE_RECORD_EVERY_MS: String(parameters.recordEveryMs),
    PLUMBLINE_ROUND_EVERY_MS: String(parameters.roundEveryMs),
    PLUMBLINE_KEEP_ROUNDS_DAYS: parameters.keepRoundsDays === null ? null : String(parameters.keepRoundsDays),
    PLUMBLINE_FROM_BLOCK: String(parameters.fromBlock),
    PLUMBLINE_ANCHOR_QUEUE: placed.anchorQueueUrl,
    PLUMBLINE_IPFS_API: parameters.kuboApiUrl,
    PLUMBLINE_IPFS_TOKEN_SECRET: placed.ipfsTokenArn,
  };
}
