import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import type { PrivateKey } from '../../../core/ids.ts';

export function newKey(): PrivateKey {
  return nodePrimitives.randomBytes(32) as PrivateKey;
}
