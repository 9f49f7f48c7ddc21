import type { Recorder } from '../../core/ports/ledger.ts';
import type { ServicePorts } from '../ports.ts';
import type { AnchorSettings } from './anchor-settings.ts';

/** What the steps of the anchor function share. Without both of `grants` and `grantRecorder`, all is recorded unpaid. */
export interface AnchorPorts
  extends Pick<
    ServicePorts,
    'primitives' | 'objects' | 'table' | 'ledger' | 'grants' | 'grantRecorder' | 'settings' | 'runtime'
  > {
  readonly observer: Pick<ServicePorts['observer'], 'info' | 'warn' | 'error' | 'count'>;
  readonly recorder: Recorder;
  readonly anchorSettings: AnchorSettings;
}
