import type { Parameters } from './read-parameters.ts';

/** What the names of one deployment begin with: no other one in the account has them, whatever its stage. */
export const nameOf = ({ prefix, stage }: Pick<Parameters, 'prefix' | 'stage'>): string => `${prefix}-${stage}`;
