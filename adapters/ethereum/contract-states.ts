import type { AgreementState, OpenQuestion } from '../../core/ports/agreements.ts';
import type { GrantState } from '../../core/ports/grants.ts';

/** In the order of OCASC's State; the first means that there is no such agreement. */
export const AGREEMENT_STATES: readonly (AgreementState | null)[] = [
  null,
  'offered',
  'cancelled',
  'active',
  'challenged',
  'lapsed',
  'breached',
  'closed',
];

/** In the order of ASC's State; the first means that there is no such grant. */
export const GRANT_STATES: readonly (GrantState | null)[] = [null, 'proposed', 'accepted', 'ended'];

/** In the order of OCASC's Question; the first means that none is open. */
export const QUESTIONS: readonly (OpenQuestion['asks'] | null)[] = [null, 'chunk', 'key'];
