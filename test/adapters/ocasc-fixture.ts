import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { deployContracts, deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../adapters/ethereum/deployable-asc.ts';
import { ANSWER_GAS, DEMAND_GAS, deployableOcasc } from '../../adapters/ethereum/deployable-ocasc.ts';
import { disscInterface, encodeRecord } from '../../adapters/ethereum/dissc-interface.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../../adapters/ethereum/ocasc-party.ts';
import { createCallSender } from '../../adapters/ethereum/send-call.ts';
import { answerChallenge, answerDemand, ownBatch } from '../../core/agreement/own-batch.ts';
import type { EncryptionPublicKey } from '../../core/agreement/seal-message.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import { proveChunk } from '../../core/block/chunk-tree.ts';
import type { DatasetName } from '../../core/charter/dataset-name.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import type { Address, PrivateKey } from '../../core/ids.ts';
import { proveInclusion } from '../../core/log/inclusion.ts';
import type { AgreementParty, QuestionAnswer } from '../../core/ports/agreements.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { fund } from '../../local/stack/fund.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';
import { DeviceLog, randomKey } from './device-log.ts';

export { ANSWER_GAS, DEMAND_GAS, randomKey };

/** Contents whose stored bytes, each with its tag of 16, are 17, 1,024, 1,025, 70,016 and 1 MiB. */
const SOLD_CONTENTS = [1, 1008, 1009, 70_000, 2 ** 20 - 16];
export const NATIVE = `0x${'00'.repeat(20)}` as Address;
export const MIN_WINDOW_SECONDS = 60;
const BALANCE_WEI = 10n ** 20n;

export type Market = Awaited<ReturnType<typeof startMarket>>;

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
  const gas = { answerGas: ANSWER_GAS, demandGas: DEMAND_GAS };
  const ocascDeployable = deployableOcasc({ dissc, minWindowSeconds, ...gas });
  const ascDeployable = deployableAsc({ dissc });
  const signer = createKeySigner(ownerKey);
  await deployContracts({ ...chain, signer }, [DISSC, ocascDeployable, ascDeployable]);
  const [ocasc, asc] = [deployedAddress(ocascDeployable), deployedAddress(ascDeployable)];

  const log = new DeviceLog({ chainId, dissc }, ownerKey, ENCRYPTED);
  const sold = await recordSold({ ...chain, ownerKey, dissc }, log);

  const terms: Terms = {
    dataset: log.dataset,
    first: sold.first,
    count: sold.count,
    token: NATIVE,
    price: 1000n,
    fee: 10n,
    bond: 500n,
    stakeWei: 3n,
    maxChallenges: 5,
    maxDemands: 2,
    samples: 2,
    previews: 1,
    windowSeconds: minWindowSeconds,
    durationSeconds: 3600,
    acceptBySeconds: 2n ** 64n - 1n,
    consumer: NATIVE,
  };
  const party = (key: PrivateKey, waitMs = 20_000): AgreementParty =>
    createOcascParty({ ...chain, ocasc, signer: createKeySigner(key), waitMs });
  return {
    chain,
    rpc,
    dissc,
    ocasc,
    asc,
    ownerKey,
    newKey,
    dataset: log.dataset,
    /** Name and kind, which show whose the dataset is. */
    named: { name: log.charter.name as DatasetName, kind: log.charter.kind },
    terms,
    party,
    log,
    ledger: createOcascLedger({ ...chain, ocasc }),
    grants: createAscLedger({ ...chain, asc }),
    owner: party(ownerKey),
    /** What answers a challenge of one of the five blocks, and a demand of its key. */
    answer: sold.answer,
    keyAnswer: sold.keyAnswer,
    balanceWei: async (account: Address) => BigInt(String(await rpc.call('eth_getBalance', [account, 'latest']))),
    nonce: async (account: Address) => Number(await rpc.call('eth_getTransactionCount', [account, 'latest'])),
  };
}

/** Records three batches in two updates, with the charter in the same transaction. */
async function recordSold(
  options: {
    readonly rpcUrl: string;
    readonly chainId: number;
    readonly ownerKey: PrivateKey;
    readonly dissc: Address;
  },
  log: DeviceLog,
) {
  log.seal([1, 1, 1]);
  const updates = [log.update()];
  const { manifest, segment } = log.seal(SOLD_CONTENTS);
  log.seal([1, 1, 1]);
  updates.push(log.update());
  const sender = createCallSender({ ...options, signer: createKeySigner(options.ownerKey) });
  const contract = { name: 'DISSC', at: options.dissc, abi: disscInterface };
  await sender.inTurn((send) => send({ contract, data: encodeRecord({ charters: [log.charter], updates }) }));

  const { first, salt, nonce } = manifest;
  const { blocks, openings } = readSegment(nodePrimitives, segment.car);
  const archive = { dataset: log.dataset, first, salt, nonce, blocks: openings };
  const batch = ownBatch(nodePrimitives, log.writer.datasetKey, archive);
  const paths = await Promise.all(blocks.map((_, number) => proveInclusion(log.reader, first + number, log.end.size)));
  const pathOf = (block: number) => paths[block - first] as Uint8Array[];
  return {
    first,
    count: blocks.length,
    answer: (block: number, seed: number): QuestionAnswer & { asks: 'chunk' } => {
      const shown = proveChunk(nodePrimitives, blocks[block - first] as Uint8Array, seed);
      const answer = answerChallenge(nodePrimitives, batch, block, seed, shown);
      return { asks: 'chunk', path: pathOf(block), answer };
    },
    keyAnswer: (block: number): QuestionAnswer & { asks: 'key' } => {
      return { asks: 'key', path: pathOf(block), answer: answerDemand(batch, block) };
    },
  };
}
