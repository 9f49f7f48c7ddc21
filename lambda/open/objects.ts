import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';

export function openObjects(env: Environment): Pick<ServicePorts, 'objects'> {
  const { region } = env.lambda;
  return {
    objects: createS3ObjectStore({ region, bucket: env.text('PLUMBLINE_BUCKET'), endpoint: null, credentials: null }),
  };
}
