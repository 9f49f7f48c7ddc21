import { createHash } from 'node:crypto';
import { scrypt } from 'ethers';
import { scryptByNode } from '../../adapters/keys/keystore.ts';

export { quickenKeystore } from '../../examples/demo/quicken-keystore.ts';

const derived = new Map<string, Promise<string>>();

// A home that is made in this process, and then quickened, derives the same key from the same salt twice: 0.4 s of the
// processor each time.
scrypt.register((password, salt, N, r, p, length, progress) => {
  const asked = createHash('sha256');
  for (const part of [password, salt, `${N} ${r} ${p} ${length}`]) asked.update(`${part.length} `).update(part);
  const name = asked.digest('hex');
  const key = derived.get(name) ?? scryptByNode(password, salt, N, r, p, length, progress);
  derived.set(name, key);
  return key;
});
