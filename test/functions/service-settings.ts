import { DEFAULT_GRANT_POLICY, type ServiceSettings } from '../../functions/ports.ts';

/** Settings of a service that serves nobody on chain 31337, but for what is given. */
export function serviceSettings(given: Partial<ServiceSettings> = {}): ServiceSettings {
  return {
    ...{ chainId: 31_337, authorities: [], cssAccount: null },
    ...{ grants: DEFAULT_GRANT_POLICY, recordEveryMs: 0, roundEveryMs: 0, fromBlock: 0 },
    ...given,
  };
}
