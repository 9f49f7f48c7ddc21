import type { DatasetWriter } from '../../../core/batch/seal-batch.ts';
import { datasetOfCharter, type SignedCharter, signCharter } from '../../../core/charter/charter.ts';
import { charterKey, encodeCharter } from '../../../core/charter/charter-file.ts';
import { encodeDatasetName } from '../../../core/charter/dataset-name.ts';
import { type DatasetKind, PLAIN } from '../../../core/charter/kind.ts';
import type { DisscDomain } from '../../../core/dissc-domain.ts';
import type { Address, DatasetKey, PrivateKey } from '../../../core/ids.ts';
import { accountOfKey } from '../../../core/typed-data.ts';
import { datasetPk, FIRST_CHARTER_SK } from '../../../functions/state/entries.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { FleetObjects } from './fleet-bucket.ts';
import type { FleetItems } from './fleet-items.ts';

/** A dataset of the fleet, with what its device needs. */
export interface FleetSeat {
  readonly writer: DatasetWriter;
  readonly account: Address;
  readonly charter: SignedCharter;
}

/** Charters a fleet whose charters were shown to the service before the time begins: they are in table and bucket. */
export function charterFleet(
  random: SeededRandom,
  fleet: {
    readonly domain: DisscDomain;
    readonly devices: number;
    readonly ownerKeys: readonly PrivateKey[];
    readonly anchorer: Address;
    readonly serial: number;
  },
  { items, objects }: { readonly items: FleetItems; readonly objects: FleetObjects },
): FleetSeat[] {
  const { domain, devices, ownerKeys, anchorer, serial } = fleet;
  const owners = ownerKeys.map(accountOfKey);
  return Array.from({ length: devices }, (_, number) => {
    const place = number % owners.length;
    const deviceKey = random.bytes(32) as PrivateKey;
    const account = accountOfKey(deviceKey);
    const kind: DatasetKind = PLAIN;
    const unsigned = {
      ...{ owner: owners[place] as Address, name: encodeDatasetName(`device ${number}`), kind },
      ...{ device: account, anchorer, serial, from: 0 },
    };
    const charter = { ...unsigned, signature: signCharter(domain, unsigned, ownerKeys[place] as PrivateKey) };
    const dataset = datasetOfCharter(domain, charter);
    const file = encodeCharter(charter);
    items.put({ pk: datasetPk(dataset), sk: FIRST_CHARTER_SK, file, onChain: false }, 'absent');
    objects.put(charterKey(dataset, serial), file);
    const datasetKey = random.bytes(32) as DatasetKey;
    return { writer: { dataset, kind, serial, datasetKey, deviceKey, domain }, account, charter };
  });
}
