import { type Exchange, refuseUnknown, type S3Service } from './exchange.ts';
import { objectPath } from './object-path.ts';
import { commitEntry, nextSequencer, openObject, readMeta, withObject } from './open-store.ts';
import { notImplemented } from './s3-error.ts';
import { makeEvent } from './s3-event.ts';

/** DeleteObject. Deleting what is not there succeeds, as in S3, and tells nobody. */
export async function deleteObject(service: S3Service, exchange: Exchange, bucket: string, key: string): Promise<void> {
  refuseUnknown(exchange.request, { query: [], headers: [] });
  if (exchange.request.headers.has('if-match')) throw notImplemented('A conditional DELETE');
  await withObject(service.store, bucket, key, async () => {
    const meta = await readMeta(objectPath(service.store.dataDir, bucket, key));
    if (meta === null) return;
    const present = await openObject(service.store, bucket, key);
    await present?.handle.close();
    const nowMs = service.nowMs();
    const sequencer = nextSequencer(service.store, nowMs, meta.sequencer);
    const event = makeEvent({
      eventName: 'ObjectRemoved:Delete',
      region: service.region,
      atMs: nowMs,
      requestId: exchange.requestId,
      accessKey: service.accessKey,
      bucket,
      key,
      sequencer,
    });
    const told = service.listening && present !== null;
    await commitEntry(
      service.store,
      { operation: 'delete', bucket, key, upload: null, sequencer, event: told ? event : null },
      null,
    );
  });
  exchange.response.writeHead(204);
  exchange.response.end();
}
