import * as z from 'zod';
import type { Address } from '../core/ids.ts';
import { DEFAULT_GRANT_POLICY, type ServicePorts, type ServiceSettings } from '../functions/ports.ts';
import type { FunctionRow } from '../functions/row.ts';
import type { Environment } from './environment.ts';

/** Settings as far as a row has to do with them. */
export function readSettings(
  { trigger, callers, may }: FunctionRow,
  env: Environment,
  { recorder }: Partial<Pick<ServicePorts, 'recorder'>>,
): Partial<ServiceSettings> {
  return {
    ...(trigger.kind !== 'http' ? {} : { authorities: env.text('PLUMBLINE_AUTHORITIES').split(',') }),
    ...(trigger.kind !== 'http' || callers === 'anyone' ? {} : { chainId: Number(env.whole('PLUMBLINE_CHAIN_ID')) }),
    ...(may.owners === undefined ? {} : readOwners(env)),
    ...(may.asc === undefined
      ? {}
      : { cssAccount: recorder?.account ?? env.optional('PLUMBLINE_CSS_ACCOUNT', env.address) }),
    ...(may.dissc !== 'record'
      ? {}
      : {
          recordEveryMs: Number(env.optional('PLUMBLINE_RECORD_EVERY_MS', env.whole) ?? 0),
          fromBlock: Number(env.optional('PLUMBLINE_FROM_BLOCK', env.whole) ?? 0),
        }),
  };
}

const ownersText = z.record(z.string().regex(/^0x[0-9a-f]{40}$/), z.int().min(0));

function readOwners(env: Environment): Pick<ServiceSettings, 'owners' | 'grants'> {
  const { minPerBatchWei, openQuotaBytes } = DEFAULT_GRANT_POLICY;
  const open = env.optional('PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES', env.whole);
  return {
    owners: new Map(Object.entries(env.json('PLUMBLINE_OWNERS', ownersText)) as [Address, number][]),
    grants: {
      minPerBatchWei: env.optional('PLUMBLINE_GRANTS_MIN_PER_BATCH_WEI', env.whole) ?? minPerBatchWei,
      openQuotaBytes: open === null ? openQuotaBytes : Number(open),
    },
  };
}
