import type { ObjectWriter } from '../../core/ports/object-store.ts';
import type { ObjectReader, ServicePorts, ServiceSettings } from '../ports.ts';
import type { AnchorSettings } from './anchor-settings.ts';

/** What the steps of the anchor function share. Without both of `grants` and `grantRecorder`, all is recorded unpaid. */
export interface AnchorPorts
  extends Pick<
    ServicePorts,
    | 'primitives'
    | 'table'
    | 'ledger'
    | 'recorder'
    | 'rounds'
    | 'roundRecorder'
    | 'grants'
    | 'grantRecorder'
    | 'owners'
    | 'runtime'
  > {
  readonly objects: ObjectReader & ObjectWriter;
  readonly settings: () => Pick<
    ServiceSettings,
    'grants' | 'cssAccount' | 'recordEveryMs' | 'roundEveryMs' | 'keepRoundsMs'
  >;
  readonly observer: Pick<ServicePorts['observer'], 'info' | 'warn' | 'error' | 'count'>;
  readonly anchorSettings: AnchorSettings;
}
