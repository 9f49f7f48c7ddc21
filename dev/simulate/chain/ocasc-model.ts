import { ocascInterface } from '../../../adapters/ethereum/ocasc-interface.ts';
import { paidBlocks } from '../../../core/agreement/quota.ts';
import { type AgreementDomain, agreementId, type Terms } from '../../../core/agreement/terms.ts';
import { recoverVoucherSigner } from '../../../core/agreement/voucher.ts';
import { equalBytes, fromHex, to0x } from '../../../core/bytes.ts';
import { ENCRYPTED } from '../../../core/charter/kind.ts';
import { PlumblineError } from '../../../core/errors.ts';
import { type Address, type AgreementId, type DatasetId, type LogRoot, NATIVE_COIN } from '../../../core/ids.ts';
import type { Head } from '../../../core/log/head.ts';
import { type ModelAnswer, opensChunk, opensKey, rootOfAnswer } from './ocasc-answer.ts';

/** What OCASC was deployed with. */
export interface OcascSettings {
  readonly domain: AgreementDomain;
  readonly minWindowSeconds: number;
  readonly answerGas: bigint;
  readonly demandGas: bigint;
}

export type ModelAgreementState = 'offered' | 'cancelled' | 'active' | 'challenged' | 'lapsed' | 'breached' | 'closed';

interface ModelQuestion {
  readonly asks: 'chunk' | 'key';
  readonly block: number;
  readonly seed: number;
  readonly stakeWei: bigint;
  readonly deadline: number;
}

/** An agreement as OCASC keeps it; keys and accounts are zero until the offer is accepted. */
export interface ModelAgreement {
  readonly id: AgreementId;
  readonly terms: Terms;
  readonly root: LogRoot;
  readonly size: number;
  readonly owner: Address;
  readonly state: ModelAgreementState;
  readonly kind: number;
  readonly agent: Address;
  readonly ownerEncryptionKey: string;
  readonly consumer: Address;
  readonly signer: Address;
  readonly consumerEncryptionKey: string;
  readonly end: number;
  readonly graceEnd: number;
  readonly due: bigint;
  readonly challenges: number;
  readonly demands: number;
  readonly question: ModelQuestion | null;
}

/** OCASC's storage after some call. Never changed: each call makes the next. */
export interface OcascState {
  readonly agreements: ReadonlyMap<AgreementId, ModelAgreement>;
  readonly offers: ReadonlyMap<Address, bigint>;
  /** In the native coin, which is the only one here. */
  readonly credits: ReadonlyMap<Address, bigint>;
}

export const NO_SALES: OcascState = { agreements: new Map(), offers: new Map(), credits: new Map() };

/** A call as it is decoded, and what its block gives it. */
export interface OcascCall {
  readonly name: string;
  /** In the order of the ABI, as ethers decodes them. */
  // biome-ignore lint/suspicious/noExplicitAny: ethers' Result is untyped.
  readonly args: any;
  readonly sender: Address;
  readonly valueWei: bigint;
  readonly timestampSeconds: number;
  readonly baseFeeWei: bigint;
  readonly headOf: (dataset: DatasetId) => Head;
}

export interface OcascLog {
  readonly topics: readonly string[];
  readonly data: string;
}

export type OcascOutcome =
  | { readonly state: OcascState; readonly logs: readonly OcascLog[]; readonly paid: Payment | null }
  /** 0x-hex of the error. */
  | { readonly reverted: string };

interface Payment {
  readonly to: Address;
  readonly wei: bigint;
}

const MAX_WINDOW = 30 * 86_400;
const MAX_DURATION = 5 * 365 * 86_400;
const ZERO_KEY = `0x${'00'.repeat(32)}`;

class Refused extends Error {
  readonly error: string;
  constructor(error: string) {
    super(error);
    this.error = error;
  }
}

/** Which proof is wrong is not told apart here: the contract's own tests do. */
const WRONG_PROOF = ['OCASC_WrongRoot', ZERO_KEY, ZERO_KEY] as const;

/** What a call does, as contracts/src/OCASC.sol has it, in the native coin. A test plays the calls of a chain here again. */
export function callOcasc(settings: OcascSettings, before: OcascState, call: OcascCall): OcascOutcome {
  const draft = new Draft(settings, before, call);
  try {
    draft.run();
  } catch (cause) {
    if (cause instanceof Refused) return { reverted: cause.error };
    throw cause;
  }
  const { agreements, offers, credits, logs, paid } = draft;
  return { state: { agreements, offers, credits }, logs, paid };
}

/** What OCASC asks of a challenge in a block of this base fee, or of a demand where no terms are given. */
export function stakeOf({ answerGas, demandGas }: OcascSettings, terms: Terms | null, baseFeeWei: bigint): bigint {
  if (terms === null) return demandGas * baseFeeWei;
  const cost = 2n * answerGas * baseFeeWei;
  return cost > terms.stakeWei ? cost : terms.stakeWei;
}

/** What the contract must hold by its agreements and credits. */
export function owedWei({ agreements, credits }: OcascState): bigint {
  let owed = 0n;
  for (const { state, terms, question } of agreements.values()) {
    if (state === 'offered') owed += terms.bond;
    if (state === 'active' || state === 'challenged' || state === 'lapsed') owed += terms.bond + terms.price;
    owed += question?.stakeWei ?? 0n;
  }
  for (const wei of credits.values()) owed += wei;
  return owed;
}

class Draft {
  readonly settings: OcascSettings;
  readonly call: OcascCall;
  readonly agreements: Map<AgreementId, ModelAgreement>;
  readonly offers: Map<Address, bigint>;
  readonly credits: Map<Address, bigint>;
  readonly logs: OcascLog[] = [];
  paid: Payment | null = null;

  constructor(settings: OcascSettings, before: OcascState, call: OcascCall) {
    this.settings = settings;
    this.call = call;
    this.agreements = new Map(before.agreements);
    this.offers = new Map(before.offers);
    this.credits = new Map(before.credits);
  }

  run(): void {
    const { name, args, valueWei } = this.call;
    const isPaying = name === 'offer' || name === 'accept' || name === 'challenge' || name === 'demandKey';
    if (!isPaying && valueWei > 0n) throw new Refused('0x');
    const plain = { offer: () => this.offer(), withdraw: () => this.withdraw() }[name];
    if (plain !== undefined) {
      plain();
      return;
    }
    const id = String(args[0]) as AgreementId;
    const found = this.agreements.get(id);
    if (found === undefined) {
      // Whoever has offered nothing has no state: 0.
      throw this.refused('OCASC_WrongState', id, 0);
    }
    const act = this.acts[name];
    if (act === undefined) throw new Error(`The model of OCASC has no call ${name}.`);
    act(found);
  }

  readonly acts: Readonly<Record<string, (found: ModelAgreement) => void>> = {
    cancel: (found) => {
      this.in(found, 'offered');
      this.allow(found, found.owner);
      this.put(found, { state: 'cancelled' });
      this.log('OfferCancelled', [found.id]);
      this.credit(found, found.owner, found.terms.bond);
    },
    accept: (found) => {
      const { id, terms } = found;
      const [, signer, encryptionKey] = this.call.args;
      this.in(found, 'offered');
      if (terms.consumer !== NATIVE_COIN) this.allow(found, terms.consumer);
      const now = this.call.timestampSeconds;
      if (BigInt(now) > terms.acceptBySeconds) throw this.refused('OCASC_TooLate', id, now, terms.acceptBySeconds);
      this.requireNamed(signer, encryptionKey);
      const end = now + terms.durationSeconds;
      this.put(found, {
        ...{ state: 'active', consumer: this.call.sender, signer: lower(signer), consumerEncryptionKey: encryptionKey },
        ...{ end, due: terms.fee },
      });
      this.log('Accepted', [id, this.call.sender, signer, encryptionKey, end]);
      this.pull(terms.price);
    },
    claim: (found) => {
      const { id, terms, due: before, signer } = found;
      const [, due, signature] = this.call.args;
      this.in(found, 'active', 'challenged', 'lapsed');
      if (due <= before || due > terms.price) throw this.refused('OCASC_BadDue', id, due, before, terms.price);
      const recovered = this.signerOf(id, due, signature);
      if (recovered !== signer) throw this.refused('OCASC_WrongSigner', id, recovered, signer);
      this.put(found, { due });
      this.log('Claimed', [id, due]);
    },
    challenge: (found) => {
      const { id, terms, challenges } = found;
      const [, block, seed] = this.call.args;
      this.in(found, 'active');
      this.requireQuestion(found, block);
      if (challenges >= terms.maxChallenges) throw this.refused('OCASC_NoChallengeLeft', id, terms.maxChallenges);
      const stake = stakeOf(this.settings, terms, this.call.baseFeeWei);
      const question = this.ask(found, 'chunk', Number(block), Number(seed), stake);
      this.put(found, { state: 'challenged', challenges: challenges + 1, question });
      this.log('Challenged', [id, block, seed, stake, question.deadline]);
    },
    demandKey: (found) => {
      const { id, terms, demands, kind, due } = found;
      const [, block] = this.call.args;
      this.in(found, 'active');
      this.requireQuestion(found, block);
      if (kind !== ENCRYPTED) throw this.refused('OCASC_NoContentKeys', id, kind);
      if (demands >= terms.maxDemands) throw this.refused('OCASC_NoDemandLeft', id, terms.maxDemands);
      const paid = terms.price === terms.fee ? terms.count : paidBlocks(terms, due);
      if (Number(block) - terms.first >= paid) throw this.refused('OCASC_BlockNotPaid', id, block, terms.first, paid);
      const stake = stakeOf(this.settings, null, this.call.baseFeeWei);
      const question = this.ask(found, 'key', Number(block), 0, stake);
      this.put(found, { state: 'challenged', demands: demands + 1, question });
      this.log('KeyDemanded', [id, block, stake, question.deadline]);
    },
    respond: (found) => {
      const { id, question, graceEnd, size, root, owner, terms } = found;
      const answer = this.call.args[1] as ModelAnswer;
      this.in(found, 'challenged', 'lapsed');
      const now = this.call.timestampSeconds;
      if (found.state === 'lapsed' && now > graceEnd) throw this.refused('OCASC_TooLate', id, now, graceEnd);
      const { asks, block, seed, stakeWei } = question as ModelQuestion;
      const rooted = rootOfAnswer(answer, block, size);
      if (rooted === null || !equalBytes(rooted, root)) throw this.refused(...WRONG_PROOF);
      if (asks === 'key') {
        if (!opensKey(answer)) throw this.refused(...WRONG_PROOF);
        this.log('KeyShown', [id, block, answer.key, stakeWei]);
      } else {
        const chunk = opensChunk(terms.dataset, block, seed, answer);
        if (chunk === null) throw this.refused(...WRONG_PROOF);
        this.log('Answered', [id, block, chunk, stakeWei]);
      }
      this.put(found, { state: 'active', question: null, graceEnd: 0 });
      this.credit(found, owner, stakeWei);
    },
    lapse: (found) => {
      this.in(found, 'challenged');
      const now = this.call.timestampSeconds;
      const { deadline } = found.question as ModelQuestion;
      if (now <= deadline) throw this.refused('OCASC_TooEarly', found.id, now, deadline + 1);
      const graceEnd = now + Math.floor(found.terms.windowSeconds / 4);
      this.put(found, { state: 'lapsed', graceEnd });
      this.log('Lapsed', [found.id, graceEnd]);
    },
    breach: (found) => {
      const { id, terms, due, owner, consumer, graceEnd, question } = found;
      this.in(found, 'lapsed');
      const now = this.call.timestampSeconds;
      if (now <= graceEnd) throw this.refused('OCASC_TooEarly', id, now, graceEnd + 1);
      const { stakeWei } = question as ModelQuestion;
      const toConsumer = terms.price - due + terms.bond;
      this.put(found, { state: 'breached', question: null, graceEnd: 0 });
      this.log('Breached', [id, due, toConsumer, stakeWei]);
      this.credit(found, owner, due);
      this.credit(found, consumer, toConsumer);
      this.credit(found, consumer, stakeWei);
    },
    approve: (found) => {
      this.in(found, 'active');
      this.allow(found, found.consumer);
      this.close({ ...found, due: found.terms.price });
    },
    quit: (found) => {
      this.in(found, 'active', 'challenged');
      this.allow(found, found.consumer);
      this.requireBeforeEnd(found);
      const end = this.call.timestampSeconds;
      this.put(found, { end });
      this.log('Quitted', [found.id, end]);
    },
    close: (found) => {
      this.in(found, 'active');
      const now = this.call.timestampSeconds;
      const from = this.call.sender === found.owner ? found.end : found.end + found.terms.windowSeconds;
      if (now < from) throw this.refused('OCASC_TooEarly', found.id, now, from);
      this.close(found);
    },
  };

  offer(): void {
    const { args, sender, headOf } = this.call;
    const [, kind, given, agent, encryptionKey] = args;
    const terms = termsOf(given);
    if (terms.token !== NATIVE_COIN) throw new Error('The model of OCASC knows the native coin alone.');
    this.requireTerms(terms);
    this.requireNamed(agent, encryptionKey);
    const { size, root } = headOf(terms.dataset);
    if (terms.count === 0 || terms.first + terms.count > size)
      throw this.refused('OCASC_RangeNotRecorded', terms.first, terms.count, size);
    const nonce = this.offers.get(sender) ?? 0n;
    this.offers.set(sender, nonce + 1n);
    const offered = {
      ...{ owner: sender, nonce, terms, root, size, agent: lower(agent) },
      encryptionKey: fromHex(encryptionKey, 'key', 32),
    };
    const id = agreementId(this.settings.domain, offered);
    this.agreements.set(id, {
      ...{ id, terms, root, size, owner: sender, state: 'offered', kind: Number(kind), agent: lower(agent) },
      ...{ ownerEncryptionKey: encryptionKey, consumer: NATIVE_COIN, signer: NATIVE_COIN },
      ...{ consumerEncryptionKey: ZERO_KEY, end: 0, graceEnd: 0, due: 0n, challenges: 0, demands: 0, question: null },
    });
    this.log('Offered', [id, sender, terms.dataset, nonce, given, to0x(root), size, kind, agent, encryptionKey]);
    this.pull(terms.bond);
  }

  withdraw(): void {
    const { args, sender } = this.call;
    const [token, to] = args;
    const whole = lower(token) === NATIVE_COIN ? (this.credits.get(sender) ?? 0n) : 0n;
    if (whole === 0n) throw this.refused('OCASC_NoCredit', token, sender, 0, whole);
    this.credits.delete(sender);
    this.paid = { to: lower(to), wei: whole };
    this.log('Withdrawn', [token, sender, to, whole, whole]);
  }

  private requireTerms({ fee, price, bond, samples, previews, ...terms }: Terms): void {
    const { windowSeconds, durationSeconds, maxChallenges, maxDemands } = terms;
    const { minWindowSeconds: least } = this.settings;
    if (fee > price || fee > bond) throw this.refused('OCASC_FeeTooHigh', fee, price, bond);
    if (windowSeconds < least || windowSeconds > MAX_WINDOW)
      throw this.refused('OCASC_BadWindow', windowSeconds, least, MAX_WINDOW);
    if (durationSeconds < least || durationSeconds > MAX_DURATION)
      throw this.refused('OCASC_BadDuration', durationSeconds, least, MAX_DURATION);
    if (maxChallenges === 0 || maxDemands === 0) throw this.refused('OCASC_NoQuestions', maxChallenges, maxDemands);
    if (samples > 4096) throw this.refused('OCASC_TooManySamples', samples, 4096);
    const most = Math.min(samples, 8);
    if (previews > most) throw this.refused('OCASC_TooManyPreviews', previews, most);
  }

  private requireNamed(account: string, encryptionKey: string): void {
    if (lower(account) === NATIVE_COIN) throw this.refused('OCASC_ZeroAccount');
    if (encryptionKey === ZERO_KEY) throw this.refused('OCASC_ZeroEncryptionKey');
  }

  private requireQuestion(found: ModelAgreement, block: bigint): void {
    const { id, terms, consumer } = found;
    this.allow(found, consumer);
    this.requireBeforeEnd(found);
    const place = Number(block) - terms.first;
    if (place < 0 || place >= terms.count)
      throw this.refused('OCASC_BlockNotForSale', id, block, terms.first, terms.count);
  }

  private requireBeforeEnd({ id, end }: ModelAgreement): void {
    const now = this.call.timestampSeconds;
    if (now >= end) throw this.refused('OCASC_TooLate', id, now, end - 1);
  }

  private ask(
    { id, terms }: ModelAgreement,
    asks: ModelQuestion['asks'],
    block: number,
    seed: number,
    stakeWei: bigint,
  ): ModelQuestion {
    const { valueWei, sender, timestampSeconds } = this.call;
    if (valueWei < stakeWei) throw this.refused('OCASC_StakeTooLow', id, valueWei, stakeWei);
    this.credit({ id }, sender, valueWei - stakeWei);
    return { asks, block, seed, stakeWei, deadline: timestampSeconds + terms.windowSeconds };
  }

  private close(found: ModelAgreement): void {
    const { id, due, terms, owner, consumer } = found;
    const [toOwner, toConsumer] = [due + terms.bond, terms.price - due];
    this.put(found, { state: 'closed', due });
    this.log('Closed', [id, toOwner, toConsumer]);
    this.credit(found, owner, toOwner);
    this.credit(found, consumer, toConsumer);
  }

  private in({ id, state }: ModelAgreement, ...allowed: readonly ModelAgreementState[]): void {
    if (!allowed.includes(state)) throw this.refused('OCASC_WrongState', id, STATES.indexOf(state) + 1);
  }

  private allow({ id }: ModelAgreement, allowed: Address): void {
    if (this.call.sender !== allowed) throw this.refused('OCASC_NotAllowed', id, this.call.sender, allowed);
  }

  private signerOf(agreement: AgreementId, due: bigint, signature: string): Address {
    try {
      return recoverVoucherSigner(this.settings.domain, { agreement, due }, fromHex(signature, 'signature'));
    } catch (cause) {
      if (cause instanceof PlumblineError) return NATIVE_COIN;
      throw cause;
    }
  }

  private pull(wei: bigint): void {
    if (this.call.valueWei !== wei) throw this.refused('OCASC_WrongValue', this.call.valueWei, wei);
  }

  private credit({ id }: Pick<ModelAgreement, 'id'>, account: Address, wei: bigint): void {
    if (wei === 0n) return;
    this.credits.set(account, (this.credits.get(account) ?? 0n) + wei);
    this.log('Credited', [NATIVE_COIN, account, id, wei]);
  }

  private put(found: ModelAgreement, change: Partial<ModelAgreement>): void {
    this.agreements.set(found.id, { ...found, ...change });
  }

  private log(event: string, values: readonly unknown[]): void {
    const { topics, data } = ocascInterface.encodeEventLog(event, values);
    this.logs.push({ topics: topics as string[], data });
  }

  private refused(error: string, ...values: readonly unknown[]): Refused {
    return new Refused(ocascInterface.encodeErrorResult(error, values));
  }
}

/** In the order of OCASC's State, behind the first, which is none. */
const STATES: readonly ModelAgreementState[] = [
  ...(['offered', 'cancelled', 'active', 'challenged', 'lapsed', 'breached', 'closed'] as const),
];

const encoded = new WeakMap<ModelAgreement, string>();
let encodedNone: string | null = null;

/** The agreement as the view of that name answers it: 0x-hex. Each is looked at many times before it changes. */
export function encodeAgreement(agreement: ModelAgreement | null): string {
  if (agreement === null) {
    encodedNone ??= encodeStored(null);
    return encodedNone;
  }
  const known = encoded.get(agreement) ?? encodeStored(agreement);
  encoded.set(agreement, known);
  return known;
}

function encodeStored(a: ModelAgreement | null): string {
  const terms = a?.terms ?? null;
  const { asks = null, block = 0, seed = 0, stakeWei = 0n, deadline = 0 } = a?.question ?? {};
  return ocascInterface.encodeFunctionResult('agreement', [
    {
      terms: {
        ...{ dataset: terms?.dataset ?? ZERO_KEY, first: terms?.first ?? 0, count: terms?.count ?? 0 },
        ...{ token: NATIVE_COIN, price: terms?.price ?? 0n, fee: terms?.fee ?? 0n, bond: terms?.bond ?? 0n },
        ...{ stake: terms?.stakeWei ?? 0n, maxChallenges: terms?.maxChallenges ?? 0 },
        ...{ maxDemands: terms?.maxDemands ?? 0, samples: terms?.samples ?? 0, previews: terms?.previews ?? 0 },
        ...{ window: terms?.windowSeconds ?? 0, duration: terms?.durationSeconds ?? 0 },
        ...{ acceptBy: terms?.acceptBySeconds ?? 0n, consumer: terms?.consumer ?? NATIVE_COIN },
      },
      ...{ root: a === null ? ZERO_KEY : to0x(a.root), size: a?.size ?? 0, owner: a?.owner ?? NATIVE_COIN },
      ...{ state: a === null ? 0 : STATES.indexOf(a.state) + 1, kind: a?.kind ?? 0 },
      ...{ question: asks === null ? 0 : asks === 'chunk' ? 1 : 2, agent: a?.agent ?? NATIVE_COIN, end: a?.end ?? 0 },
      ...{ challenges: a?.challenges ?? 0, demands: a?.demands ?? 0 },
      ...{ ownerEncryptionKey: a?.ownerEncryptionKey ?? ZERO_KEY },
      ...{ consumerEncryptionKey: a?.consumerEncryptionKey ?? ZERO_KEY, consumer: a?.consumer ?? NATIVE_COIN },
      ...{ graceEnd: a?.graceEnd ?? 0, signer: a?.signer ?? NATIVE_COIN, due: a?.due ?? 0n },
      challenge: { blockIndex: block, seed, stake: stakeWei, deadline },
    },
  ]);
}

// biome-ignore lint/suspicious/noExplicitAny: ethers' Result is untyped.
function termsOf(given: any): Terms {
  return {
    ...{
      dataset: lower(given.dataset) as unknown as DatasetId,
      first: Number(given.first),
      count: Number(given.count),
    },
    ...{ token: lower(given.token), price: given.price, fee: given.fee, bond: given.bond, stakeWei: given.stake },
    ...{ maxChallenges: Number(given.maxChallenges), maxDemands: Number(given.maxDemands) },
    ...{ samples: Number(given.samples), previews: Number(given.previews) },
    ...{ windowSeconds: Number(given.window), durationSeconds: Number(given.duration) },
    ...{ acceptBySeconds: given.acceptBy, consumer: lower(given.consumer) },
  };
}

/** Ethers writes accounts with a checksum in capitals. */
function lower(account: string): Address {
  return account.toLowerCase() as Address;
}
