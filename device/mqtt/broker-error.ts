import { type ErrorOptions, PlumblineError } from '../../core/errors.ts';

/**
 * The broker cannot be reached (`unavailable`), refuses (`refused`), or says what MQTT 5 does not allow (`answer`). It is
 * connected to again.
 */
export class BrokerError extends PlumblineError {
  override readonly name = 'BrokerError';
  readonly kind: 'unavailable' | 'refused' | 'answer';

  constructor(shortMessage: string, kind: BrokerError['kind'], options: ErrorOptions = {}) {
    super(shortMessage, options);
    this.kind = kind;
  }
}

/** Reason codes of MQTT 5 §2.4 that a person can do something about. */
const REASONS: Readonly<Record<number, string>> = {
  1: 'it does not speak MQTT 5',
  132: 'it does not speak MQTT 5',
  133: 'it does not take this client id',
  134: 'the user name or password is wrong',
  135: 'this client is not authorised',
  136: 'it is not available',
  137: 'it is busy',
  138: 'this client is banned',
  139: 'it is shutting down',
  142: 'another client has connected with this client id',
  143: 'it does not take this topic filter',
  149: 'a packet was too large',
  151: 'a quota is exceeded',
  159: 'the rate of connections is exceeded',
};

export function reasonText(code: number | undefined): string {
  const shown = `reason code 0x${(code ?? 0).toString(16).padStart(2, '0')}`;
  const words = REASONS[code ?? 0];
  return words === undefined ? shown : `${words} (${shown})`;
}
