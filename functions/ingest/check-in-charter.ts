import {
  datasetOfCharter,
  isSameCharter,
  requireCharterSignature,
  type SignedCharter,
} from '../../core/charter/charter.ts';
import { decodeCharter, MAX_CHARTER_BYTES, parseCharterKey } from '../../core/charter/charter-file.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { Problem } from '../answer/problem.ts';
import type { ObjectReader, ServicePorts, ServiceSettings } from '../ports.ts';
import { notServed } from '../rights/not-served.ts';
import { quotaOf } from '../rights/quota-of.ts';
import { type KeptCharter, keepCharter } from '../state/dataset-entry.ts';
import { learnCharters, readChainCharters } from '../state/learn-charters.ts';
import { readLogEnd } from '../state/log-entry.ts';
import { markWork } from '../state/work-marks.ts';

/** What keeping a charter takes. */
export interface CharterPorts extends Pick<ServicePorts, 'table' | 'ledger' | 'grants' | 'owners'> {
  readonly settings: () => Pick<ServiceSettings, 'grants' | 'cssAccount' | 'fromBlock'>;
}

/**
 * Keeps a charter, whoever shows it: the owner's signature is in it. The first of a dataset is kept, and those that DISSC has;
 * a later one that is not on the chain is only the owner's word, which may change, and is refused
 * (specification#functions).
 * @returns false when the very same charter was kept before
 * @throws Problem when it is of another dataset, not signed by its owner, of an owner not served here, or counts for nothing
 */
export async function checkInCharter(
  ports: CharterPorts,
  { dataset, charter }: { readonly dataset: DatasetId; readonly charter: SignedCharter },
  signal?: AbortSignal,
): Promise<boolean> {
  requireOwn(ports, dataset, charter);
  if ((await quotaOf(ports, dataset, charter.owner, signal)) === null) throw notServed(ports.settings(), charter.owner);
  const onChain = (await ports.ledger.readDevices([dataset], 'latest', signal)).devices[0] ?? null;
  const kept = await learnCharters(ports, dataset, onChain, signal);
  const known = kept.find((one) => isSameCharter(one.charter, charter));
  const isComplete = known !== undefined && (known.charter.signature !== null || charter.signature === null);
  if (isComplete) return false;
  // Where DISSC has none at all, its events need not be looked through.
  const isSent = known?.onChain ?? (onChain !== null && (await isOnChain(ports, dataset, charter, signal)));
  await keep(ports, dataset, { charter, onChain: isSent }, signal);
  // Another device or anchorer, perhaps: what is stored may have waited for that, and its device has nothing new to send.
  if (isSent && (await readLogEnd(ports.table, dataset, signal)) !== null) await markWork(ports.table, dataset, signal);
  // A replacement that became final in between was nobody's here, and passed over by the anchor (follow-charters.ts).
  const since = (await ports.ledger.readDevices([dataset], 'latest', signal)).devices[0] ?? null;
  if (since !== null && since.serial !== onChain?.serial) await learnCharters(ports, dataset, since, signal);
  return true;
}

/** The same for a charter that lies in the bucket; `gone` where it does not. What is no charter is refused like a wrong one. */
export async function checkInCharterAt(
  ports: CharterPorts & { readonly objects: Pick<ObjectReader, 'read'> },
  key: string,
  signal?: AbortSignal,
): Promise<'kept' | 'known' | 'gone'> {
  const name = parseCharterKey(key);
  const file = await ports.objects.read(key, { start: 0, end: MAX_CHARTER_BYTES + 1 }, signal);
  if (name === null || file === null) return 'gone';
  let charter: SignedCharter;
  try {
    charter = decodeCharter(file);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new Problem('/problems/bad-request', `${key}: ${error.shortMessage}`);
  }
  return (await checkInCharter(ports, { dataset: name.dataset, charter }, signal)) ? 'kept' : 'known';
}

/** What can be seen without the chain. A contract account signs nothing: there the chain has to have it. */
function requireOwn({ ledger }: CharterPorts, dataset: DatasetId, charter: SignedCharter): void {
  if (datasetOfCharter(ledger.domain, charter) !== dataset) {
    throw new Problem('/problems/forbidden', 'Owner, name and kind do not match the dataset in the path.');
  }
  if (charter.signature === null) return;
  try {
    requireCharterSignature(ledger.domain, charter);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw new Problem('/problems/forbidden', error.shortMessage);
  }
}

/** Whether DISSC has the very same charter. */
async function isOnChain(
  ports: CharterPorts,
  dataset: DatasetId,
  charter: SignedCharter,
  signal?: AbortSignal,
): Promise<boolean> {
  const sent = await readChainCharters(ports, dataset, signal);
  return sent.some((one) => isSameCharter(one, charter));
}

async function keep(
  ports: CharterPorts,
  dataset: DatasetId,
  charter: KeptCharter,
  signal?: AbortSignal,
): Promise<void> {
  if (!charter.onChain && charter.charter.signature === null) {
    throw new Problem('/problems/forbidden', 'The charter has no signature, and the chain does not have the charter.');
  }
  if (await keepCharter(ports.table, dataset, charter, signal)) return;
  throw new Problem(
    '/problems/charter-not-on-chain',
    `Charter ${charter.charter.serial} is not on the chain, and this service already has another charter of the dataset. Send it to DISSC first.`,
  );
}
