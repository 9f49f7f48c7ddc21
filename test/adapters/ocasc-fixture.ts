import { HDNodeWallet, Mnemonic } from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { deployContracts, deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../adapters/ethereum/deployable-asc.ts';
import { deployableOcasc } from '../../adapters/ethereum/deployable-ocasc.ts';
import { disscInterface } from '../../adapters/ethereum/dissc-interface.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../../adapters/ethereum/ocasc-party.ts';
import { createCallSender } from '../../adapters/ethereum/send-call.ts';
import type { EncryptionPublicKey } from '../../core/agreement/seal-message.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { to0x } from '../../core/bytes.ts';
import { type Address, type DatasetId, datasetId, type PrivateKey } from '../../core/ids.ts';
import { deriveDatasetId } from '../../core/keys.ts';
import type { AgreementParty, ChallengeAnswer } from '../../core/ports/agreements.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type Log, makeLog, makeUpdateOf } from '../../dev/bench/dissc-log.ts';
import { makeSoldBatch, type SoldBatch } from '../../dev/bench/sold-batch.ts';
import { fund } from '../../local/stack/fund.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';

export const NATIVE = `0x${'00'.repeat(20)}` as Address;
const MIN_WINDOW_SECONDS = 60;
export const ANSWER_GAS = 130_000;
const BALANCE_WEI = 10n ** 20n;

export type Market = Awaited<ReturnType<typeof startMarket>>;

export const randomKey = () => new Uint8Array(nodePrimitives.randomBytes(32)) as PrivateKey;
export const randomEncryptionKey = () => new Uint8Array(nodePrimitives.randomBytes(32)) as EncryptionPublicKey;

/** A market on anvil, and what only anvil can. */
export async function startMarket(mining: 'instant' | 'manual' = 'instant') {
  const anvil = await startAnvil({ stateFile: null, mining: 'instant' });
  try {
    const { rpcUrl, chainId } = anvil;
    const rpc = createJsonRpc({ rpcUrl, chainId });
    const newKey = async (): Promise<PrivateKey> => {
      const key = randomKey();
      await fund(rpc, accountOfKey(key), BALANCE_WEI);
      return key;
    };
    const market = await openMarket({ rpcUrl, chainId, newKey, minWindowSeconds: MIN_WINDOW_SECONDS });
    if (mining === 'manual') await rpc.call('evm_setAutomine', [false]);
    return {
      ...market,
      /** The next block's time is `seconds` since 1970. */
      goTo: (seconds: number) => rpc.call('evm_setNextBlockTimestamp', [`0x${seconds.toString(16)}`]),
      mine: () => rpc.call('evm_mine', []),
      stop: () => anvil.stop(),
    };
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

/** DISSC, OCASC and ASC on a chain, and a recorded dataset whose second batch of three, with five blocks, is for sale. */
export async function openMarket(options: {
  readonly rpcUrl: string;
  readonly chainId: number;
  /** Of an account with funds. */
  readonly newKey: () => Promise<PrivateKey>;
  readonly minWindowSeconds: number;
}) {
  const { rpcUrl, chainId, newKey, minWindowSeconds } = options;
  const chain = { rpcUrl, chainId };
  const rpc = createJsonRpc(chain);
  const ownerKey = await newKey();
  const dissc = disscAddress();
  const ocascDeployable = deployableOcasc({ dissc, minWindowSeconds, answerGas: ANSWER_GAS });
  const ascDeployable = deployableAsc({ dissc });
  const signer = createKeySigner(ownerKey);
  await deployContracts({ ...chain, signer }, [DISSC, ocascDeployable, ascDeployable]);
  const [ocasc, asc] = [deployedAddress(ocascDeployable), deployedAddress(ascDeployable)];
  const { dataset, log, sold } = await recordSold({ ...chain, ownerKey, dissc });

  const terms: Terms = {
    ...{ dataset, first: sold.first, count: sold.batch.count, token: NATIVE },
    ...{ price: 1000n, fee: 10n, bond: 500n, stakeWei: 3n },
    ...{ maxChallenges: 5, samples: 1, windowSeconds: minWindowSeconds, durationSeconds: 3600 },
    ...{ acceptBySeconds: 2n ** 64n - 1n, consumer: NATIVE },
  };
  const party = (key: PrivateKey, waitMs = 20_000): AgreementParty =>
    createOcascParty({ ...chain, ocasc, signer: createKeySigner(key), waitMs });
  return {
    ...{ chain, rpc, dissc, ocasc, asc, ownerKey, newKey, dataset, terms, party, log },
    ledger: createOcascLedger({ ...chain, ocasc }),
    grants: createAscLedger({ ...chain, asc }),
    owner: party(ownerKey),
    /** What answers a challenge of one of the five blocks. */
    answer: (block: number, seed: number) => asChallengeAnswer(sold.answer(log, block, seed)),
    balanceWei: async (account: Address) => BigInt(String(await rpc.call('eth_getBalance', [account, 'latest']))),
    nonce: async (account: Address) => Number(await rpc.call('eth_getTransactionCount', [account, 'latest'])),
  };
}

async function recordSold(options: {
  rpcUrl: string;
  chainId: number;
  ownerKey: PrivateKey;
  dissc: Address;
}): Promise<{ dataset: DatasetId; log: Log; sold: SoldBatch }> {
  const { chainId, dissc, ownerKey } = options;
  const name = new Uint8Array(nodePrimitives.randomBytes(32));
  const dataset = deriveDatasetId({ chainId, dissc }, accountOfKey(ownerKey), name);
  const device = HDNodeWallet.fromMnemonic(Mnemonic.fromEntropy(nodePrimitives.randomBytes(16)));
  const log = makeLog(dataset, device);
  const other = () => ({ count: 3, salt: bytes32(), batchRoot: bytes32(), sealedDigests: new Uint8Array(0) });
  const updates = [makeUpdateOf({ chainId, dissc }, log, [other()])];
  const sold = makeSoldBatch(log, [1, 1024, 1025, 70_000, 2 ** 20]);
  updates.push(makeUpdateOf({ chainId, dissc }, log, [sold.batch, other()]));
  const sender = createCallSender({ ...options, signer: createKeySigner(ownerKey) });
  const contract = { name: 'DISSC', at: dissc, abi: disscInterface };
  await sender.inTurn(async (send) => {
    const opened = disscInterface.encodeFunctionData('openDataset', [to0x(name), device.address]);
    await send({ contract, data: opened });
    await send({ contract, data: disscInterface.encodeFunctionData('record', [updates]) });
  });
  return { dataset: datasetId(dataset), log, sold };
}

/** `IOCASC.Answer`, by the names of the port. */
function asChallengeAnswer(answer: object): ChallengeAnswer {
  const { size, blockHash, batch, ...same } = answer as Record<string, unknown>;
  return { ...same, sizeBytes: size, sha256: blockHash, position: batch } as unknown as ChallengeAnswer;
}

function bytes32(): Uint8Array {
  return nodePrimitives.randomBytes(32);
}
