import type { SignedRequest } from '../../adapters/http-signature/sign-request.ts';
import type { Address, AgreementId, DatasetId } from '../../core/ids.ts';

/** What a path names, and under which agreement its dataset is asked for. */
export interface Subject {
  readonly dataset?: DatasetId;
  readonly agreement?: AgreementId;
  readonly under?: AgreementId | undefined;
}

/** How the callers of a function are let in: by their signature, then by what the chain says of them. */
export interface Admission<Caller extends Address | null, Admitted> {
  /** The account that signed the request. @throws Problem when none did, or not so that it counts here and now */
  identify(request: SignedRequest): Promise<Caller>;
  /**
   * As what the caller is let in.
   * @throws Problem when it is not; LedgerUnavailableError when the chain does not answer: then nobody is
   */
  admit(subject: Subject, caller: Caller, signal: AbortSignal): Promise<Admitted>;
}
