import { type Result, zeroPadValue } from 'ethers';
import { type AgreementDomain, agreementId } from '../../core/agreement/terms.ts';
import { fromHex } from '../../core/bytes.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, type AgreementId, address, type LogRoot } from '../../core/ids.ts';
import type { Agreement, AgreementMarket, OfferedEvent, OpenChallenge } from '../../core/ports/agreements.ts';
import type { Anchor, ChainPoint } from '../../core/ports/ledger.ts';
import { callAt } from './call-at.ts';
import { AGREEMENT_STATES } from './contract-states.ts';
import { decode, type FoundLog, findLogs } from './find-logs.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { decodeAgreementId, decodeEncryptionKey, decodeTerms, ocascInterface } from './ocasc-interface.ts';
import { readChainPoint } from './read-chain-point.ts';

export interface OcascLedgerOptions extends JsonRpcOptions {
  readonly ocasc: Address;
}

/**
 * OCASC read through one Ethereum node; agreements, counts and credits are read at one block named by its hash. Terms that
 * do not fit a safe integer are no agreement here, and their offers are not found.
 */
export function createOcascLedger(options: OcascLedgerOptions): AgreementMarket {
  const { chainId, ocasc } = options;
  const domain = { chainId, ocasc };
  const view = { rpc: createJsonRpc(options), name: 'OCASC', at: ocasc };

  /** What one view function answers; null where OCASC did not exist yet. */
  const read = async <T>(
    name: string,
    values: readonly unknown[],
    anchor: Anchor,
    signal: AbortSignal | undefined,
    parse: (value: Result[number]) => T,
  ): Promise<{ point: ChainPoint; value: T | null }> => {
    const input = ocascInterface.encodeFunctionData(name, values);
    const { point, results } = await callAt(view, [input], anchor, signal);
    const [result = null] = results;
    const parseResult = (answered: string): T => parse(ocascInterface.decodeFunctionResult(name, answered)[0]);
    return { point, value: result === null ? null : decode(view, () => parseResult(result)) };
  };

  return {
    domain,

    async readAgreement(id, anchor, signal) {
      const { point, value } = await read('agreement', [id], anchor, signal, (found) => decodeAgreement(id, found));
      return { point, agreement: value };
    },

    async findOffers({ owner, dataset }, fromBlock, toBlock, signal) {
      const indexed = [null, owner === undefined ? null : zeroPadValue(owner, 32), dataset ?? null];
      const logs = await findLogs(view, ocascInterface, { event: 'Offered', indexed, fromBlock, toBlock }, signal);
      return logs.flatMap((log) => decode(view, () => decodeOffer(domain, log)) ?? []);
    },

    async readOfferCount(owner, anchor, signal) {
      return (await read('offers', [owner], anchor, signal, BigInt)).value ?? 0n;
    },

    async readChallengeStakeWei(id, signal) {
      // Not `challengeStake(id)`: nodes take the base fee for zero in a call that pays no gas.
      const least = await read('agreement', [id], 'latest', signal, ({ terms }) => BigInt(terms.stake));
      const answerGas = await read('answerGas', [], 'latest', signal, BigInt);
      const { baseFeePerGasWei } = await readChainPoint(view.rpc, 'latest', signal);
      const cost = 2n * (answerGas.value ?? 0n) * baseFeePerGasWei;
      return least.value !== null && least.value > cost ? least.value : cost;
    },

    async readCredit(token, account, anchor, signal) {
      return (await read('credit', [token, account], anchor, signal, BigInt)).value ?? 0n;
    },
  };
}

function decodeAgreement(id: AgreementId, a: Result): Agreement | null {
  const state = AGREEMENT_STATES[Number(a.state)];
  if (state === null) return null;
  if (state === undefined) throw new LedgerUnavailableError(`An agreement is in the unknown state ${a.state}.`);
  const terms = decodeTerms(a.terms);
  if (terms === null) return null;
  return {
    ...{ id, terms, root: decodeRoot(a.root), batches: Number(a.batches), state },
    ...{ owner: address(a.owner), agent: address(a.agent) },
    ownerEncryptionKey: decodeEncryptionKey(a.ownerEncryptionKey),
    buyer:
      BigInt(a.consumer) === 0n
        ? null
        : {
            ...{ consumer: address(a.consumer), signer: address(a.signer) },
            ...{ encryptionKey: decodeEncryptionKey(a.consumerEncryptionKey), endSeconds: Number(a.end) },
          },
    ...{ due: a.due, challenges: Number(a.challenges) },
    challenge: state === 'challenged' ? decodeChallenge(a.challenge) : null,
  };
}

function decodeChallenge(challenge: Result): OpenChallenge {
  return {
    ...{ block: Number(challenge.blockIndex), seed: Number(challenge.seed) },
    ...{ stakeWei: challenge.stake, deadlineSeconds: Number(challenge.deadline) },
  };
}

function decodeOffer(domain: AgreementDomain, { values, txHash, blockNumber }: FoundLog): OfferedEvent | null {
  const terms = decodeTerms(values.terms);
  if (terms === null) return null;
  const offer = {
    ...{ owner: address(values.owner), nonce: BigInt(values.nonce), terms },
    ...{ root: decodeRoot(values.root), batches: Number(values.batches) },
  };
  const id = agreementId(domain, offer);
  // To accept an id is to accept the terms it was made of: an answer that pairs it with others is a trap.
  if (id !== decodeAgreementId(values.id)) {
    throw new LedgerUnavailableError(`The node gives offer ${values.id} with terms that it was not made of.`);
  }
  const encryptionKey = decodeEncryptionKey(values.encryptionKey);
  return { id, ...offer, agent: address(values.agent), encryptionKey, txHash, blockNumber };
}

function decodeRoot(hex: string): LogRoot {
  return fromHex(hex, 'root', 32) as LogRoot;
}
