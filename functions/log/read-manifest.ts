import type { Manifest } from '../../core/batch/manifest-fields.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { ObjectReader, ServicePorts } from '../ports.ts';
import { objectKey } from '../state/segment-entry.ts';
import { readFront } from './read-front.ts';

interface Ports {
  readonly primitives: Pick<ServicePorts['primitives'], 'sha256'>;
  readonly objects: Pick<ObjectReader, 'read'>;
}

/** The manifest of a segment that was checked in, as it is stored now; null when it is lost or damaged. */
export async function readManifest(
  ports: Ports,
  dataset: DatasetId,
  segment: { readonly first: number; readonly sha256Hex: string; readonly frontBytes: number },
  signal?: AbortSignal,
): Promise<Manifest | null> {
  const front = await readFront(ports, { ...segment, key: objectKey(dataset, segment) }, signal);
  return 'damage' in front ? null : front.manifest;
}
