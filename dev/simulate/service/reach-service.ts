import { createStorageServiceClient } from '../../../client/service/storage-service-client.ts';
import { to0x } from '../../../core/bytes.ts';
import { StoreUnavailableError } from '../../../core/errors.ts';
import type { AgreementId, PrivateKey } from '../../../core/ids.ts';
import type { Runtime } from '../../../core/ports/runtime.ts';
import { accountOfKey, eip191Hash, signHash } from '../../../core/typed-data.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { unlessAborted } from './memory-bucket.ts';
import type { SimulatedService } from './run-service.ts';

export const API_URL = 'https://api.simulated';
export const AUTHORITY = 'api.simulated';

/** The real typed client of one account, over a network of this world. */
export function reachService(
  {
    time,
    faults,
    random,
    service,
  }: { time: VirtualTime; faults: FaultWatch; random: SeededRandom; service: SimulatedService },
  caller: {
    readonly key: PrivateKey;
    readonly chainId: number;
    readonly runtime: Runtime;
    readonly agreement?: AgreementId;
  },
) {
  const { key, chainId, runtime, agreement } = caller;
  // By what core signs with: whoever simulates much may have it remember (remember-signatures.ts).
  const signMessage = async (message: Uint8Array) => to0x(signHash(eip191Hash(message), key));
  const account = { address: accountOfKey(key), signMessage };
  return createStorageServiceClient({
    ...{ apiUrl: API_URL, chainId, account, runtime, ...(agreement === undefined ? {} : { agreement }) },
    transport: async ({ name }, request, signal) => {
      const carried = async () => {
        await time.sleep(random.between(20, 150));
        if (faults.strikes('service-down') !== null) throw new StoreUnavailableError('The service does not answer.');
        if (faults.strikes('too-many-requests') !== null) return tooMany();
        const answered = await service.answer(name, request);
        await time.sleep(random.between(5, 60));
        return answered;
      };
      return unlessAborted(carried(), signal);
    },
  });
}

function tooMany() {
  const body = new TextEncoder().encode('{"message":"Too Many Requests"}');
  return { status: 429, headers: { 'content-type': 'application/json' }, body };
}
