import middy from '@middy/core';
import {
  datasetOfCharter,
  isSameCharter,
  requireCharterSignature,
  type SignedCharter,
} from '../core/charter/charter.ts';
import { charterKey, encodeCharter } from '../core/charter/charter-file.ts';
import { charterFromWire } from '../core/charter/wire-charter.ts';
import { ArgumentError, ProofError } from '../core/errors.ts';
import type { DatasetId } from '../core/ids.ts';
import type { ObjectWriter } from '../core/ports/object-store.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, ServicePorts, ServiceSettings } from './ports.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { notServed } from './rights/not-served.ts';
import { quotaOf } from './rights/quota-of.ts';
import { type KeptCharter, keepCharter } from './state/dataset-entry.ts';
import { learnCharters, readChainCharters } from './state/learn-charters.ts';
import { putCharterRow as row } from './table.ts';

interface Ports extends Pick<ServicePorts, 'table' | 'ledger' | 'grants'> {
  readonly objects: ObjectWriter;
  readonly settings: () => Pick<ServiceSettings, 'owners' | 'grants' | 'cssAccount' | 'fromBlock'>;
}

/**
 * Keeps a charter, whoever shows it: the owner's signature is in it. The first of a dataset is kept, and those that DISSC has;
 * a later one that is not on the chain is only the owner's word, which may change, and is refused
 * (specification#functions). It also goes into the bucket, where whoever restores finds it.
 * @returns false when the very same charter was kept before
 * @throws Problem when it is of another dataset, not signed by its owner, of an owner not served here, or counts for nothing
 */
export async function putCharter(
  ports: Ports,
  { dataset, charter }: { readonly dataset: DatasetId; readonly charter: SignedCharter },
  signal?: AbortSignal,
): Promise<boolean> {
  requireOwn(ports, dataset, charter);
  if ((await quotaOf(ports, dataset, charter.owner, signal)) === null) throw notServed(ports.settings(), charter.owner);
  const onChain = (await ports.ledger.readDevices([dataset], 'latest', signal)).devices[0] ?? null;
  const kept = await learnCharters(ports, dataset, onChain, signal);
  const known = kept.find((one) => isSameCharter(one.charter, charter));
  const isComplete = known !== undefined && (known.charter.signature !== null || charter.signature === null);
  if (!isComplete) {
    // Where DISSC has none at all, its events need not be looked through.
    const isSent = known?.onChain ?? (onChain !== null && (await isOnChain(ports, dataset, charter, signal)));
    await keep(ports, dataset, { charter, onChain: isSent }, signal);
  }
  await ports.objects.put(charterKey(dataset, charter.serial), encodeCharter(charter), signal);
  return !isComplete;
}

/** What can be seen without the chain. A contract account signs nothing: there the chain has to have it. */
function requireOwn({ ledger }: Ports, dataset: DatasetId, charter: SignedCharter): void {
  if (datasetOfCharter(ledger.domain, charter) !== dataset) {
    throw new Problem('/problems/forbidden', 'Owner, name and kind are those of another dataset than the path names.');
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
  ports: Ports,
  dataset: DatasetId,
  charter: SignedCharter,
  signal?: AbortSignal,
): Promise<boolean> {
  const sent = await readChainCharters(ports, dataset, signal);
  return sent.some((one) => isSameCharter(one, charter));
}

async function keep(ports: Ports, dataset: DatasetId, charter: KeptCharter, signal?: AbortSignal): Promise<void> {
  if (!charter.onChain && charter.charter.signature === null) {
    throw new Problem('/problems/forbidden', 'The charter has no signature, and the chain does not have it.');
  }
  if (await keepCharter(ports.table, dataset, charter, signal)) return;
  throw new Problem(
    '/problems/charter-not-on-chain',
    `Charter ${charter.charter.serial} is not on the chain, and another was the dataset's first here. Send it to DISSC first.`,
  );
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ params, body, signal }: Call<typeof row, null>) => {
    const stored = await putCharter(ports, { ...params, charter: parseCharter(body) }, signal);
    return jsonAnswer({ stored });
  }).use(httpMiddleware(ports, row, admitAnyone(row)));

function parseCharter(body: Parameters<typeof charterFromWire>[0]): SignedCharter {
  try {
    return charterFromWire(body);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new Problem('/problems/bad-request', `body: ${error.shortMessage}`);
  }
}
