import type { Result } from 'ethers';
import { AGREEMENT_STATES, GRANT_STATES } from './contract-states.ts';

/** What a refusal means to whoever made the call, and when it would be possible; null where the error's name says it all. */
export function refusalInWords(name: string, values: Result): string | null {
  return WORDS[name]?.(values) ?? null;
}

const WORDS: Readonly<Record<string, (values: Result) => string>> = {
  OCASC_TooEarly: ([, now, limit]) => `This is possible from ${time(limit)} on, in ${limit - now} s.`,
  OCASC_TooLate: ([, , limit]) => `This was possible until ${time(limit)}.`,
  OCASC_WrongState: ([, state]) => stateWords('agreement', AGREEMENT_STATES[Number(state)], OPEN_IN),
  OCASC_NotAllowed: ([, , allowed]) => `Only ${allowed} may do this.`,
  DISSC_SerialTooHigh: ([, serial, most]) =>
    `The charter is dated ${time(serial)}, but the chain now takes charters up to ${time(most)}. Check the clock of the machine that signed it.`,
  DISSC_NotOwner: ([, , owner]) => `Only the owner, ${owner}, may send a charter that names an anchorer.`,
  DISSC_WrongCharterSignature: ([, owner]) => `${owner} did not sign the charter for this chain and this contract.`,
  DISSC_WrongPrevious: ([anchorer]) => `${anchorer} has meanwhile written another round. Build on that one.`,
  OCASC_BlockNotPaid: ([, block, first, paid]) =>
    paid === 0n
      ? `The claimed voucher pays for no block yet, so not for block ${block}. Claim a later voucher first.`
      : `The claimed voucher pays for blocks ${first} to ${first + paid - 1n}. Claim a later voucher first.`,
  OCASC_NoContentKeys: () => 'The content of this dataset is not encrypted.',
  OCASC_NoDemandLeft: ([, most]) => `The agreement allows ${most} demands of keys, and all of them are used up.`,
  OCASC_TokenShort: ([, held, owed]) =>
    `The contract holds ${held} units of the token but owes ${owed}, because the token's balances shrank by themselves.`,
  OCASC_NoChallengeLeft: ([, most]) => `The agreement allows ${most} challenges, and all of them are used up.`,
  OCASC_RangeNotRecorded: ([, , size]) => `So far the chain has ${size} blocks of this dataset.`,
  ASC_WrongState: ([, state]) => stateWords('grant', GRANT_STATES[Number(state)]),
  ASC_NotOver: ([, now, end]) => `This is possible from ${time(end)} on, in ${end - now} s.`,
  ASC_Over: ([, , end]) => `The grant ended at ${time(end)}.`,
};

/** What is open or over in a state of an agreement, where its name does not say so. */
const OPEN_IN: Readonly<Record<string, string>> = {
  active: 'no challenge or demand is open',
  challenged: 'a challenge or demand waits for the owner',
  lapsed: 'the owner did not answer in time, and may still do so until the grace ends',
};

function stateWords(
  what: string,
  state: string | null | undefined,
  more: Readonly<Record<string, string>> = {},
): string {
  if (typeof state !== 'string') return `The contract has no such ${what}.`;
  return more[state] === undefined ? `The ${what} is ${state}.` : `The ${what} is ${state}: ${more[state]}.`;
}

/** Seconds since 1970, as a person reads them. Contracts may hold numbers that no calendar has. */
function time(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : `${date.toISOString().slice(0, 19)}Z`;
}
