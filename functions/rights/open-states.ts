import type { AgreementState } from '../../core/ports/agreements.ts';

/** In these states an owner may claim what a voucher says (OCASC). */
export const OPEN_STATES: readonly AgreementState[] = ['active', 'challenged', 'lapsed'];
