import { DEFAULT_GRANT_POLICY, type ServicePorts, type ServiceSettings, settingsOf } from '../functions/ports.ts';
import type { FunctionRow } from '../functions/row.ts';
import type { Environment } from './environment.ts';

type Opened = Partial<Pick<ServicePorts, 'recorder'>>;

/** Settings as far as a row has to do with them. */
export function readSettings(row: FunctionRow, env: Environment, opened: Opened): Partial<ServiceSettings> {
  return Object.fromEntries(settingsOf(row).map((name) => [name, READERS[name](env, opened)]));
}

const READERS: {
  readonly [Name in keyof ServiceSettings]-?: (env: Environment, opened: Opened) => ServiceSettings[Name];
} = {
  chainId: (env) => Number(env.whole('PLUMBLINE_CHAIN_ID')),
  authorities: (env) => env.text('PLUMBLINE_AUTHORITIES').split(','),
  // Whoever records is the account that grants are made out to.
  cssAccount: (env, { recorder }) => recorder?.account ?? env.optional('PLUMBLINE_CSS_ACCOUNT', env.address),
  grants: readGrantPolicy,
  recordEveryMs: (env) => Number(env.optional('PLUMBLINE_RECORD_EVERY_MS', env.whole) ?? 0),
  roundEveryMs: (env) => Number(env.optional('PLUMBLINE_ROUND_EVERY_MS', env.whole) ?? 0),
  keepRoundsMs: (env) => {
    const days = env.optional('PLUMBLINE_KEEP_ROUNDS_DAYS', env.whole);
    return days === null ? null : Number(days) * 86_400_000;
  },
  fromBlock: (env) => Number(env.optional('PLUMBLINE_FROM_BLOCK', env.whole) ?? 0),
};

function readGrantPolicy(env: Environment): ServiceSettings['grants'] {
  const { minPerRecordWei, openQuotaBytes } = DEFAULT_GRANT_POLICY;
  const open = env.optional('PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES', env.whole);
  return {
    minPerRecordWei: env.optional('PLUMBLINE_GRANTS_MIN_PER_RECORD_WEI', env.whole) ?? minPerRecordWei,
    openQuotaBytes: open === null ? openQuotaBytes : Number(open),
  };
}
