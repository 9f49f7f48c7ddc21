import { Wallet } from 'ethers';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { deployDissc } from '../../adapters/ethereum/deploy-dissc.ts';
import { encodeRecord } from '../../adapters/ethereum/dissc-interface.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { auditKey, blockKeys } from '../../core/block/seal.ts';
import { fromHex, to0x } from '../../core/bytes.ts';
import type { EvidenceBlock, EvidenceFile } from '../../core/evidence/evidence.ts';
import type { Address, PrivateKey } from '../../core/ids.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { fund } from '../../local/stack/fund.ts';
import { BLOCKS_UNTIL_FINAL } from '../../local/stack/mine-blocks.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';
import { DeviceLog, randomKey } from '../adapters/device-log.ts';

type Place = NonNullable<EvidenceFile['record']>;

/** A chain of its own with DISSC, a log of three blocks that it has recorded, and evidence of two of them. */
export interface ChainWithEvidence {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly log: DeviceLog;
  readonly evidence: EvidenceFile;
  /** Records all that was sealed since; the transaction's place. */
  record(): Promise<Place>;
  stop(): Promise<void>;
}

export async function startChainWithEvidence(): Promise<ChainWithEvidence> {
  const anvil = await startAnvil({ stateFile: null, mining: 'manual' });
  const { rpcUrl, chainId } = anvil;
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const payer = randomKey();
  await fund(rpc, createKeySigner(payer).account, 10n ** 20n);
  await rpc.call('evm_setAutomine', [true]);
  const { dissc } = await deployDissc({ rpcUrl, chainId, signer: createKeySigner(payer) });
  await rpc.call('evm_setAutomine', [false]);
  const mine = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await rpc.call('evm_mine', []);
  };
  const finalize = () => mine(BLOCKS_UNTIL_FINAL + 2);
  return { ...(await recordEvidence({ rpcUrl, chainId, dissc, payer, mine, finalize })), stop: () => anvil.stop() };
}

/** A chain with DISSC, whose blocks a test makes. */
export interface ChainToRecordOn {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly dissc: Address;
  /** Its account has means. */
  readonly payer: PrivateKey;
  mine(blocks: number): Promise<void>;
  /** Makes blocks until the present one is final. */
  finalize(): Promise<void>;
}

/** Records a log of three blocks, and makes evidence of two of them. */
export async function recordEvidence(chain: ChainToRecordOn): Promise<Omit<ChainWithEvidence, 'stop'>> {
  const { rpcUrl, chainId, dissc, payer } = chain;
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const log = new DeviceLog({ chainId, dissc }, randomKey());
  log.seal([10, 2000, 30]);

  /** Records all that was sealed; the transaction's place. */
  async function record(charters = false): Promise<NonNullable<EvidenceFile['record']>> {
    const data = encodeRecord({ charters: charters ? [log.charter] : [], updates: [log.update()] });
    const raw = await sign(data);
    const hash = (await rpc.call('eth_sendRawTransaction', [raw])) as string;
    await chain.mine(1);
    const receipt = (await rpc.call('eth_getTransactionReceipt', [hash])) as Record<string, string>;
    const block = (await rpc.call('eth_getBlockByNumber', [receipt.blockNumber, false])) as Record<string, string>;
    await chain.finalize();
    return {
      txHash: fromHex(hash),
      blockHash: fromHex(block.hash as string),
      blockNumber: Number(block.number),
      timeSeconds: Number(block.timestamp),
    };
  }

  async function sign(data: string): Promise<string> {
    const wallet = new Wallet(to0x(payer));
    const nonce = Number(await rpc.call('eth_getTransactionCount', [wallet.address, 'latest']));
    const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n };
    return wallet.signTransaction({
      type: 2,
      chainId,
      to: dissc,
      data,
      nonce,
      gasLimit: 2_000_000,
      ...fees,
    });
  }

  async function evidenceOf(place: NonNullable<EvidenceFile['record']>): Promise<EvidenceFile> {
    const { manifest, leafHashes } = log.batches[0] as (typeof log.batches)[number];
    const { dataset, serial, head, signature, salt } = manifest;
    const events = (await rpc.call('eth_getTransactionReceipt', [to0x(place.txHash)])) as { blockNumber: string };
    const keyOf = blockKeys(primitives, auditKey(primitives, log.writer.datasetKey), salt);
    const blocks = [0, 2].map((index): EvidenceBlock => {
      const {
        size,
        sha256,
        chunkRoot,
        meta,
        record: line,
      } = manifest.blocks[index] as (typeof manifest.blocks)[number];
      const opening = {
        size,
        sha256,
        chunkRoot,
        metaHash: primitives.sha256(meta) as EvidenceBlock['opening']['metaHash'],
      };
      return {
        index,
        opening,
        meta,
        blockKey: keyOf(index),
        record: line,
        contentKey: null,
        object: null,
        bytes: null,
      };
    });
    const proof = await multiproof(
      { hasher: primitives, subtrees: subtreesOfLeaves(primitives, leafHashes) },
      [0, 2],
      head.size,
    );
    return {
      domain: { chainId, dissc },
      dataset,
      charters: [
        { charter: log.charter, chartered: { txHash: place.txHash, blockNumber: Number(events.blockNumber) } },
      ],
      head: { dataset, ...head, serial, signature },
      ...{ record: place, round: null, blocks, proof, range: null, after: [], timestamp: null },
    };
  }

  const evidence = await evidenceOf(await record(true));
  return { rpcUrl, chainId, log, evidence, record };
}
