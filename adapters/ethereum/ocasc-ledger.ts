import { Interface } from 'ethers';
import type { EncryptionPublicKey } from '../../core/agreement/seal-message.ts';
import { fromHex } from '../../core/bytes.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, type AgreementId, address, datasetId, type LogRoot } from '../../core/ids.ts';
import type { Agreement, AgreementState, Agreements, OpenChallenge } from '../../core/ports/agreements.ts';
import { ocascAbi } from './abi/ocasc.ts';
import { callAt } from './call-at.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';

export interface OcascLedgerOptions extends JsonRpcOptions {
  readonly ocasc: Address;
}

const ocascInterface = new Interface(ocascAbi);

/** In the order of OCASC's State; the first means that there is no such agreement. */
const STATES: readonly (AgreementState | null)[] = [
  ...[null, 'offered', 'cancelled', 'active', 'challenged', 'breached', 'closed'],
] as const;

/** OCASC read through one Ethereum node, at one block named by its hash. */
export function createOcascLedger(options: OcascLedgerOptions): Agreements {
  const rpc = createJsonRpc(options);
  const { chainId, ocasc } = options;
  return {
    domain: { chainId, ocasc },
    async readAgreement(id, anchor, signal) {
      const input = ocascInterface.encodeFunctionData('agreement', [id]);
      const { point, results } = await callAt({ rpc, name: 'OCASC', at: ocasc }, [input], anchor, signal);
      const [result = null] = results;
      return { point, agreement: result === null ? null : decodeAgreement(id, result) };
    },
  };
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
