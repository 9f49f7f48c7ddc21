import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { deployDissc } from '../../../adapters/ethereum/deploy-dissc.ts';
import type { PrivateKey } from '../../../core/ids.ts';
import { type GethNetwork, startGethNetwork } from '../../../dev/real/geth/start-network.ts';
import { findProgram } from '../../../dev/real/programs/find-program.ts';
import { type LedgerTarget, ledgerConformance } from './suite.ts';

/* The suite on four geth nodes, peered, asked through the first one; their slots are made when a test wants a block. */

let network: GethNetwork | null = null;
let target: LedgerTarget | null = null;
let folder = '';

before(
  async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-geth-'));
    const started = await startGethNetwork({ geth: findProgram('geth'), folder });
    network = started;
    const { rpcUrl, chainId, mine, finalize } = started;
    const fundedKey = async () => {
      const key = nodePrimitives.randomBytes(32) as PrivateKey;
      await started.slots.credit(createKeySigner(key).account, 10n ** 20n);
      return key;
    };
    const signer = createKeySigner(await fundedKey());
    started.slots.run(1_000);
    const { dissc } = await deployDissc({ rpcUrl, chainId, signer });
    await started.slots.pause();
    target = { rpcUrl, chainId, dissc, fundedKey, mine, finalize };
  },
  { timeout: 120_000 },
);
after(async () => {
  await network?.stop();
  await rm(folder, { recursive: true, force: true });
});

ledgerConformance('geth, four nodes', () => target as LedgerTarget);
