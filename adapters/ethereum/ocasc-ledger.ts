import { Interface } from 'ethers';
import type { EncryptionPublicKey } from '../../core/agreement/seal-message.ts';
import { fromHex } from '../../core/bytes.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, type AgreementId, address, datasetId, type LogRoot } from '../../core/ids.ts';
import type { Agreement, AgreementState, Agreements, OpenChallenge } from '../../core/ports/agreements.ts';
import type { Anchor, ChainPoint } from '../../core/ports/ledger.ts';
import { ocascAbi } from './abi/ocasc.ts';
import { createJsonRpc, type JsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { data, parseAnswer } from './parse-answers.ts';
import { asUnavailable, readChainPoint } from './read-chain-point.ts';

export interface OcascLedgerOptions extends JsonRpcOptions {
  readonly ocasc: Address;
}

const ocascInterface = new Interface(ocascAbi);

/** In the order of OCASC's State; the first means that there is no such agreement. */
const STATES: readonly (AgreementState | null)[] = [
  ...[null, 'offered', 'cancelled', 'active', 'challenged', 'breached', 'closed'],
] as const;

const ATTEMPTS = 3;

/** OCASC read through one Ethereum node, at one block named by its hash. */
export function createOcascLedger(options: OcascLedgerOptions): Agreements {
  const rpc = createJsonRpc(options);
  const { chainId, ocasc } = options;
  return {
    domain: { chainId, ocasc },
    async readAgreement(id, anchor, signal) {
      const input = ocascInterface.encodeFunctionData('agreement', [id]);
      const { point, result } = await callAt({ rpc, ocasc }, input, anchor, signal);
      return { point, agreement: result === null ? null : decodeAgreement(id, result) };
    },
  };
}

/** The result of a view call; null where OCASC did not exist yet. */
async function callAt(
  { rpc, ocasc }: { readonly rpc: JsonRpc; readonly ocasc: Address },
  input: string,
  anchor: Anchor,
  signal?: AbortSignal,
): Promise<{ point: ChainPoint; result: string | null }> {
  // The block may be reorganised away between the two requests; then the newer one is asked.
  for (let attempt = 1; ; attempt++) {
    const { blockNumber, blockHash, timestampMs } = await readChainPoint(rpc, anchor, signal);
    const point = { blockNumber, blockHash, timestampMs };
    // Nodes need not keep the state of the genesis block, and contracts come later.
    if (blockNumber === 0) return { point, result: null };
    try {
      const answered = await rpc.call('eth_call', [{ to: ocasc, data: input }, { blockHash }], signal);
      const result = parseAnswer(data, 'eth_call', answered);
      if (result === '0x' && anchor === 'latest') {
        throw new LedgerUnavailableError(
          `There is no contract at ${ocasc} in block ${blockNumber}. Deploy OCASC, or correct its address.`,
          { details: { ocasc, blockNumber } },
        );
      }
      return { point, result: result === '0x' ? null : result };
    } catch (error) {
      if (attempt >= ATTEMPTS || error instanceof LedgerUnavailableError) throw asUnavailable(error);
      signal?.throwIfAborted();
    }
  }
}

function decodeAgreement(id: AgreementId, result: string): Agreement | null {
  try {
    const [a] = ocascInterface.decodeFunctionResult('agreement', result);
    const state = STATES[Number(a.state)];
    if (state === null) return null;
    if (state === undefined) throw new LedgerUnavailableError(`An agreement is in the unknown state ${a.state}.`);
    const { terms } = a;
    return {
      id,
      terms: {
        ...{ dataset: datasetId(terms.dataset), first: Number(terms.first), count: Number(terms.count) },
        ...{ token: address(terms.token), price: terms.price, fee: terms.fee, bond: terms.bond },
        ...{ stakeWei: terms.stake, maxChallenges: Number(terms.maxChallenges), samples: Number(terms.samples) },
        ...{ windowSeconds: Number(terms.window), durationSeconds: Number(terms.duration) },
        ...{ acceptBySeconds: terms.acceptBy, consumer: address(terms.consumer) },
      },
      ...{ root: fromHex(a.root, 'root', 32) as LogRoot, batches: Number(a.batches), state },
      ...{ owner: address(a.owner), agent: address(a.agent), ownerEncryptionKey: encryptionKey(a.ownerEncryptionKey) },
      buyer:
        BigInt(a.consumer) === 0n
          ? null
          : {
              ...{ consumer: address(a.consumer), signer: address(a.signer) },
              ...{ encryptionKey: encryptionKey(a.consumerEncryptionKey), endSeconds: Number(a.end) },
            },
      ...{ due: a.due, challenges: Number(a.challenges) },
      challenge: state === 'challenged' ? decodeChallenge(a.challenge) : null,
    };
  } catch (cause) {
    throw new LedgerUnavailableError('What answers at the address of OCASC is not OCASC. Check the address.', {
      cause,
    });
  }
}

function decodeChallenge(challenge: Record<'blockIndex' | 'seed' | 'stake' | 'deadline', bigint>): OpenChallenge {
  return {
    ...{ block: Number(challenge.blockIndex), seed: Number(challenge.seed) },
    ...{ stakeWei: challenge.stake, deadlineSeconds: Number(challenge.deadline) },
  };
}

function encryptionKey(hex: string): EncryptionPublicKey {
  return fromHex(hex, 'encryption key', 32) as EncryptionPublicKey;
}
