import type { Agreement } from '../../core/ports/agreements.ts';
import type { GrantTerms } from '../../core/ports/grants.ts';

/** Under which agreement a party is served, now. Owners and devices need none: theirs is null. */
export interface Access {
  /** By the final chain. */
  readonly agreement: Agreement;
  /** What lets the consumer see the wanted kind, one at least; null for the owner's agent, who needs none. */
  readonly grants: readonly GrantTerms[] | null;
}
