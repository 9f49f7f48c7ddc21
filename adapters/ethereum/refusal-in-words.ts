import type { Result } from 'ethers';
import { AGREEMENT_STATES, GRANT_STATES } from './contract-states.ts';

/** What a refusal means to whoever made the call, and when it would be possible; null where the error's name says it all. */
export function refusalInWords(name: string, values: Result): string | null {
  return WORDS[name]?.(values) ?? null;
}

const WORDS: Readonly<Record<string, (values: Result) => string>> = {
  OCASC_TooEarly: ([, now, limit]) => `It is possible from ${time(limit)} on, in ${limit - now} s.`,
  OCASC_TooLate: ([, , limit]) => `It was possible until ${time(limit)}.`,
  OCASC_WrongState: ([, state]) => stateWords('agreement', AGREEMENT_STATES[Number(state)]),
  OCASC_NotAllowed: ([, , allowed]) => `Only ${allowed} may do this.`,
  DISSC_SerialTooHigh: ([, serial, most]) =>
    `The charter is of ${time(serial)}; now the chain takes those up to ${time(most)}. Check the clock it was signed by.`,
  DISSC_NotOwner: ([, , owner]) => `A charter that names an anchorer comes from its owner alone, ${owner}.`,
  DISSC_WrongCharterSignature: ([, owner]) => `The charter is not signed by ${owner} for this chain and this contract.`,
  DISSC_WrongPrevious: ([anchorer]) => `${anchorer} has written another round meanwhile. Build on that.`,
  OCASC_BlockNotPaid: ([, block, first, paid]) =>
    paid === 0n
      ? `What is claimed pays for no block yet, so not for block ${block}.`
      : `What is claimed pays for blocks ${first} to ${first + paid - 1n}. Claim a later voucher first.`,
  OCASC_NoContentKeys: () => 'The content of this dataset is not encrypted.',
  OCASC_NoDemandLeft: ([, most]) => `The agreement allows ${most} demands of keys, and they were made.`,
  OCASC_TokenShort: ([, held, owed]) =>
    `The contract holds ${held} units of the token and owes ${owed}: the token has become less by itself.`,
  OCASC_NoChallengeLeft: ([, most]) => `The agreement allows ${most} challenges, and they were made.`,
  OCASC_RangeNotRecorded: ([, , size]) => `The chain has ${size} blocks of this dataset so far.`,
  ASC_WrongState: ([, state]) => stateWords('grant', GRANT_STATES[Number(state)]),
  ASC_NotOver: ([, now, end]) => `It is possible from ${time(end)} on, in ${end - now} s.`,
  ASC_Over: ([, , end]) => `The grant was over at ${time(end)}.`,
};

function stateWords(what: string, state: string | null | undefined): string {
  return typeof state === 'string' ? `The ${what} is ${state}.` : `There is no such ${what}.`;
}

/** Seconds since 1970, as a person reads them. Contracts may hold numbers that no calendar has. */
function time(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : `${date.toISOString().slice(0, 19)}Z`;
}
