import { after, before } from 'node:test';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { deployDissc } from '../../../adapters/ethereum/deploy-dissc.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import type { PrivateKey } from '../../../core/ids.ts';
import { fund } from '../../../local/stack/fund.ts';
import { BLOCKS_UNTIL_FINAL } from '../../../local/stack/mine-blocks.ts';
import { type RunningAnvil, startAnvil } from '../../../local/stack/start-anvil.ts';
import { type LedgerTarget, ledgerConformance } from './suite.ts';

let anvil: RunningAnvil | null = null;
let target: LedgerTarget | null = null;

before(async () => {
  anvil = await startAnvil({ stateFile: null, mining: 'manual' });
  const { rpcUrl, chainId } = anvil;
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const fundedKey = async () => {
    const key = nodePrimitives.randomBytes(32) as PrivateKey;
    await fund(rpc, createKeySigner(key).account, 10n ** 20n);
    return key;
  };
  const mine = async (blocks: number) => {
    for (let i = 0; i < blocks; i++) await rpc.call('evm_mine', []);
  };
  await rpc.call('evm_setAutomine', [true]);
  const { dissc } = await deployDissc({ rpcUrl, chainId, signer: createKeySigner(await fundedKey()) });
  await rpc.call('evm_setAutomine', [false]);
  target = { rpcUrl, chainId, dissc, fundedKey, mine, finalize: () => mine(BLOCKS_UNTIL_FINAL) };
});
after(() => anvil?.stop());

ledgerConformance('anvil', () => target as LedgerTarget);
