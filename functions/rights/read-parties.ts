import { anchorerOf, datasetOfCharter, type SignedCharter } from '../../core/charter/charter.ts';
import { charterHistory } from '../../core/charter/charters-in-force.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { ChainDevice, ChainPoint } from '../../core/ports/ledger.ts';
import type { ServicePorts } from '../ports.ts';
import { readCharters } from '../state/dataset-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';

type Ports = Pick<ServicePorts, 'table' | 'ledger'>;

/** Whom a dataset belongs to, and who writes it. */
export interface Parties {
  readonly owner: Address;
  readonly device: Address;
}

/** The same, with what whoever records the dataset has to bring along. */
export interface CharteredParties extends Parties {
  /** The first charter, which the chain does not have; null where it has one. */
  readonly unsent: SignedCharter | null;
  /** Whose rounds its heads stand in by the charter in force; null when it is recorded directly only, or not known. */
  readonly anchorer: Address | null;
  /** The block from which on its device writes, by that charter. */
  readonly writesFrom: number;
  /** What the chain says, where no charter is kept here that says the same: who anchors is on the chain alone then. Else null. */
  readonly unlearnt: ChainDevice | null;
}

const PARALLEL = 8;

/**
 * A dataset's parties by the latest chain; null when this service was shown no charter of it. Any charter names the owner,
 * as the dataset's id is made of it. The device is the chain's, and before the first charter there that of the first one.
 * @throws LedgerUnavailableError when the chain does not answer
 */
export async function readParties(
  ports: Ports,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<CharteredParties | null> {
  const { parties } = await readPartiesOf(ports, [dataset], signal);
  return parties[0] ?? null;
}

/** The same for many datasets, with one reading of the chain. */
export async function readPartiesOf(
  { table, ledger }: Ports,
  datasets: readonly DatasetId[],
  signal?: AbortSignal,
): Promise<{ readonly point: ChainPoint; readonly parties: (CharteredParties | null)[] }> {
  const [charters, { point, devices }] = await Promise.all([
    mapBounded(datasets, PARALLEL, (dataset) => readCharters(table, dataset, signal)),
    ledger.readDevices(datasets, 'latest', signal),
  ]);
  const parties = datasets.map((dataset, i) => {
    // Not by where a charter was kept: by what it says.
    const own = (charters[i] ?? []).filter((charter) => datasetOfCharter(ledger.domain, charter) === dataset);
    return partiesOf(own, devices[i] ?? null);
  });
  return { point, parties };
}

/** Parties by these charters and the device that the chain names; null when there is none. */
export function partiesOf(charters: readonly SignedCharter[], onChain: ChainDevice | null): CharteredParties | null {
  const owner = charters[0]?.owner;
  if (owner === undefined) return null;
  if (onChain !== null) {
    const inForce = charters.find(({ serial }) => serial === onChain.serial);
    const unlearnt = inForce === undefined ? onChain : null;
    return { owner, device: onChain.device, unsent: null, ...anchoringOf(inForce), unlearnt };
  }
  const first = charterHistory(charters, []).first;
  const unsent = charters.find(({ serial }) => serial === first?.serial);
  return unsent === undefined ? null : { owner, device: unsent.device, unsent, ...anchoringOf(unsent), unlearnt: null };
}

function anchoringOf(inForce: SignedCharter | undefined): Pick<CharteredParties, 'anchorer' | 'writesFrom'> {
  if (inForce === undefined) return { anchorer: null, writesFrom: 0 };
  return { anchorer: anchorerOf(inForce), writesFrom: inForce.from };
}
