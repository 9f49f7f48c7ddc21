import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import { concatBytes, equalBytes } from '../../core/bytes.ts';
import type { Ledger, PublishedReader } from '../../core/ports/ledger.ts';
import type { Publisher } from '../../core/ports/publisher.ts';
import type { Report } from '../events.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { nextToPublish, notePublished, type UnpublishedBatch } from '../outbox/to-publish.ts';

export interface PublishParts {
  readonly outbox: Outbox;
  readonly writer: Pick<DatasetWriter, 'dataset'>;
  readonly ledger: Ledger;
  readonly publication: Publication;
  readonly report: Report;
}

/** How sealed digests get onto the chain, and whether they are there. */
export interface Publication {
  readonly publisher: Publisher;
  readonly reader: PublishedReader;
}

/**
 * Publishes the sealed digests of the oldest final batch that the chain does not have: what a run that ended too early, or the
 * outbox that this one is a copy of, has published is found and not paid for again.
 * @returns false when nothing is left to publish
 * @throws NotRecordedError | StateError | LedgerUnavailableError when it could not be sent, or was not mined
 */
export async function publishNext(parts: PublishParts, signal: AbortSignal): Promise<boolean> {
  const { outbox, writer, publication, report } = parts;
  const next = nextToPublish(outbox);
  if (next === null) return false;
  if (!(await isPublished(parts, next, signal))) {
    const { first, serial, salt, nonce, sealed } = next;
    const batch = { dataset: writer.dataset, first, serial, salt, nonce, sealed };
    const { txHash } = await publication.publisher.publish(batch, signal);
    report({ event: 'published', first, blocks: sealed.length, tx: txHash });
  }
  notePublished(outbox, next);
  return true;
}

async function isPublished(parts: PublishParts, batch: UnpublishedBatch, signal: AbortSignal): Promise<boolean> {
  const { ledger, writer, publication } = parts;
  const { point } = await ledger.readHeads([writer.dataset], 'latest', signal);
  const { reader } = publication;
  const events = await reader.findPublished(writer.dataset, batch.fromBlock, point.blockNumber, signal);
  const sealed = concatBytes(...batch.sealed);
  return events.some(
    ({ first, serial, salt, sealedDigests }) =>
      first === batch.first &&
      serial === batch.serial &&
      equalBytes(salt, batch.salt) &&
      equalBytes(sealedDigests, sealed),
  );
}
