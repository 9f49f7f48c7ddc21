import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import type { Primitives } from '../../core/ports/primitives.ts';

/** One cryptography the core runs on; `slow` ones are given smaller sizes. */
export interface Cryptography {
  readonly name: string;
  readonly primitives: Primitives;
  readonly slow: boolean;
}

/** Node and Lambda have node:crypto, a browser the portable code: everything of the core is tested on both. */
export const BOTH: readonly Cryptography[] = [
  { name: 'node:crypto', primitives: nodePrimitives, slow: false },
  { name: 'portable', primitives: portablePrimitives, slow: true },
];
