import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { create } from 'kubo-rpc-client';
import { createKuboP2pfs } from '../../../adapters/ipfs/kubo-p2pfs.ts';
import { StoreUnavailableError } from '../../../core/errors.ts';
import { findProgram } from '../../../dev/real/programs/find-program.ts';
import { VERSIONS } from '../../../dev/real/programs/versions.ts';
import { type RunningKubo, startKubo } from '../../../dev/real/start-kubo.ts';
import { p2pfsConformance } from './suite.ts';

/* Two nodes, on loopback only and without any peer but each other, so that what neither has is searched in vain. */

const nodes: RunningKubo[] = [];
let folder = '';
const apiUrlOf = (number: number): string => nodes[number]?.apiUrl ?? '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-kubo-'));
  const ipfs = findProgram('kubo');
  for (const name of ['mine', 'other']) nodes.push(await startKubo({ ipfs, folder: join(folder, name) }));
});

after(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await rm(folder, { recursive: true, force: true });
});

p2pfsConformance(`Kubo ${VERSIONS.kubo}`, () => apiUrlOf(0));

describe(`Kubo ${VERSIONS.kubo}, two peers`, { timeout: 60_000 }, () => {
  it('one retrieves what only the other has, a file cut small included, and nothing once that one is gone', async () => {
    const [mine, other] = nodes as [RunningKubo, RunningKubo];
    const address = await other.address();
    await mine.run('swarm', 'connect', address);
    const content = new Uint8Array(randomBytes(300_000));
    const { cid } = await create({ url: other.apiUrl }).add(content, { chunker: 'size-10000', rawLeaves: true });
    const node = createKuboP2pfs({ apiUrl: mine.apiUrl, timeoutMs: 10_000 });
    const impatient = createKuboP2pfs({ apiUrl: mine.apiUrl, timeoutMs: 1_000 });
    try {
      assert.equal(await node.nameBlock(cid.toString()), null, 'it has it already');
      assert.deepEqual(await node.readFile(cid.toString(), content.length), content);
      const later = await create({ url: other.apiUrl }).add(new Uint8Array(randomBytes(5000)));
      // Two nodes that know each other may have several connections, and make new ones.
      await other.kill();
      await assert.rejects(impatient.readFile(later.cid.toString(), 5000), StoreUnavailableError);
    } finally {
      node.close();
      impatient.close();
    }
  });
});
