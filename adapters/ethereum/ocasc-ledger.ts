import { type Result, zeroPadValue } from 'ethers';
import { type AgreementDomain, agreementId } from '../../core/agreement/terms.ts';
import { fromHex } from '../../core/bytes.ts';
import { type DatasetKind, isDatasetKind } from '../../core/charter/kind.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import {
  type Address,
  type AgreementId,
  address,
  type BlockIndex,
  type ContentKey,
  type LogRoot,
} from '../../core/ids.ts';
import type { Agreement, AgreementMarket, Buyer, OfferedEvent, OpenQuestion } from '../../core/ports/agreements.ts';
import type { Anchor, ChainPoint } from '../../core/ports/ledger.ts';
import { AGREEMENT_STATES, QUESTIONS } from './contract-states.ts';
import { decode, type FoundLog, findLogs } from './find-logs.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { decodeAgreementId, decodeEncryptionKey, decodeTerms, ocascInterface } from './ocasc-interface.ts';
import { readChainPoint } from './read-chain-point.ts';
import { readEach } from './read-each.ts';
import { readFees } from './read-fees.ts';

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
  const view = { rpc: createJsonRpc(options), name: 'OCASC', at: ocasc, patienceMs: options.patienceMs };

  /** What one view function answers; null where OCASC did not exist yet. */
  const read = async <T>(
    name: string,
    values: readonly unknown[],
    anchor: Anchor,
    signal: AbortSignal | undefined,
    parse: (value: Result[number]) => T,
  ): Promise<{ point: ChainPoint; value: T | null }> => {
    const asked = { of: ocascInterface, name };
    const { point, values: found } = await readEach(view, asked, [values], anchor, signal, parse);
    return { point, value: found[0] ?? null };
  };

  return {
    domain,

    async readAgreement(id, anchor, signal) {
      const { point, value } = await read('agreement', [id], anchor, signal, (found) => decodeAgreement(id, found));
      return { point, agreement: value };
    },

    async readAgreements(ids, anchor, signal) {
      const asked = { of: ocascInterface, name: 'agreement' };
      const given = ids.map((id) => [id]);
      const { point, values } = await readEach(view, asked, given, anchor, signal, (found, place) =>
        decodeAgreement(ids[place] as AgreementId, found),
      );
      return { point, agreements: values };
    },

    async findOffers({ owner, dataset }, fromBlock, toBlock, signal) {
      const indexed = [null, owner === undefined ? null : zeroPadValue(owner, 32), dataset ?? null];
      const logs = await findLogs(view, ocascInterface, { event: 'Offered', indexed, fromBlock, toBlock }, signal);
      return logs.flatMap((log) => decode(view, () => decodeOffer(domain, log)) ?? []);
    },

    async findShownKeys(id, fromBlock, signal) {
      const { blockNumber: toBlock } = await readChainPoint(view.rpc, 'latest', signal);
      const query = { event: 'KeyShown', indexed: [id, null], fromBlock, toBlock };
      const logs = await findLogs(view, ocascInterface, query, signal);
      return new Map(logs.map(({ values }) => decode(view, () => decodeShownKey(values))));
    },

    async readOfferCount(owner, anchor, signal) {
      return (await read('offers', [owner], anchor, signal, BigInt)).value ?? 0n;
    },

    async readQuestionCosts(signal) {
      const answerGas = await read('answerGas', [], 'latest', signal, BigInt);
      const demandGas = await read('demandGas', [], 'latest', signal, BigInt);
      const { baseFeePerGasWei: baseFeeWei } = await readChainPoint(view.rpc, 'latest', signal);
      const { maxPriorityFeePerGasWei: tipWei } = await readFees(view.rpc, undefined, signal);
      return {
        ...{ answerGas: answerGas.value ?? 0n, demandGas: demandGas.value ?? 0n, baseFeeWei },
        // Without a base fee the tip is the whole gas price.
        gasPriceWei: (baseFeeWei ?? 0n) + tipWei,
      };
    },

    async readChallengeStakeWei(id, signal) {
      // Not `challengeStake(id)`: nodes take the base fee for zero in a call that pays no gas.
      const least = await read('agreement', [id], 'latest', signal, ({ terms }) => BigInt(terms.stake));
      const answerGas = await read('answerGas', [], 'latest', signal, BigInt);
      const { baseFeePerGasWei } = await readChainPoint(view.rpc, 'latest', signal);
      const cost = 2n * (answerGas.value ?? 0n) * (baseFeePerGasWei ?? 0n);
      return least.value !== null && least.value > cost ? least.value : cost;
    },

    async readDemandStakeWei(signal) {
      const demandGas = await read('demandGas', [], 'latest', signal, BigInt);
      const { baseFeePerGasWei } = await readChainPoint(view.rpc, 'latest', signal);
      return (demandGas.value ?? 0n) * (baseFeePerGasWei ?? 0n);
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
  const isAccepted = BigInt(a.consumer) !== 0n;
  return {
    id,
    terms,
    root: decodeRoot(a.root),
    size: Number(a.size),
    kind: decodeKind(a.kind),
    state,
    owner: address(a.owner),
    agent: address(a.agent),
    ownerEncryptionKey: decodeEncryptionKey(a.ownerEncryptionKey),
    buyer: isAccepted ? decodeBuyer(a) : null,
    due: a.due,
    challenges: Number(a.challenges),
    demands: Number(a.demands),
    question: state === 'challenged' || state === 'lapsed' ? decodeQuestion(a) : null,
  };
}

function decodeBuyer(a: Result): Buyer {
  return {
    consumer: address(a.consumer),
    signer: address(a.signer),
    encryptionKey: decodeEncryptionKey(a.consumerEncryptionKey),
    endSeconds: Number(a.end),
  };
}

function decodeQuestion({ question, challenge, graceEnd }: Result): OpenQuestion {
  const asks = QUESTIONS[Number(question)] ?? null;
  if (asks === null) throw new LedgerUnavailableError(`An agreement asks the unknown question ${question}.`);
  return {
    asks,
    block: Number(challenge.blockIndex),
    seed: Number(challenge.seed),
    stakeWei: challenge.stake,
    deadlineSeconds: Number(challenge.deadline),
    graceEndSeconds: Number(graceEnd) === 0 ? null : Number(graceEnd),
  };
}

function decodeOffer(domain: AgreementDomain, { values, txHash, blockNumber }: FoundLog): OfferedEvent | null {
  const terms = decodeTerms(values.terms);
  if (terms === null) return null;
  const offer = {
    owner: address(values.owner),
    nonce: BigInt(values.nonce),
    terms,
    root: decodeRoot(values.root),
    size: Number(values.size),
    agent: address(values.agent),
    encryptionKey: decodeEncryptionKey(values.encryptionKey),
  };
  const id = agreementId(domain, offer);
  // To accept an id is to accept what it was made of: an answer that pairs it with something else is a trap.
  if (id !== decodeAgreementId(values.id)) {
    throw new LedgerUnavailableError(`The node returned offer ${values.id} with terms that do not match its id.`);
  }
  return { id, ...offer, kind: decodeKind(values.kind), txHash, blockNumber };
}

function decodeShownKey({ blockIndex, contentKey }: Result): [BlockIndex, ContentKey] {
  return [Number(blockIndex), fromHex(contentKey, 'content key', 32) as ContentKey];
}

function decodeKind(value: bigint): DatasetKind {
  const kind = Number(value);
  if (!isDatasetKind(kind))
    throw new LedgerUnavailableError(`An agreement is about a dataset of the unknown kind ${kind}.`);
  return kind;
}

function decodeRoot(hex: string): LogRoot {
  return fromHex(hex, 'root', 32) as LogRoot;
}
