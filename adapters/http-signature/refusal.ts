/** Why a request was not accepted as signed; stable, for problem documents and metrics. */
export type RefusalReason =
  | 'unsigned'
  | 'malformed'
  | 'authority'
  | 'components'
  | 'digest'
  | 'chain'
  | 'expired'
  | 'not-yet-valid'
  | 'validity-too-long'
  | 'signature'
  | 'replayed';

/**
 * Leaves the checks of a signed request at the first one that fails. It never crosses the verifier's edge: `verify`
 * turns it into a result. Details are for the caller to read, so they carry what was expected, and of what was sent only
 * short, already parsed values.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
