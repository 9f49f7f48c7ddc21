import type { Address } from '../../../core/ids.ts';
import {
  callOcasc,
  NO_SALES,
  type OcascCall,
  type OcascLog,
  type OcascSettings,
  type OcascState,
  owedWei,
} from './ocasc-model.ts';

/** A call of OCASC as it stands in a transaction. */
export interface SaleCall extends Pick<OcascCall, 'name' | 'args' | 'valueWei'> {
  readonly to: 'OCASC';
  readonly tipWei: bigint;
}

/** The native coin of everybody who deals in sales, and OCASC. Never changed: each call makes the next. */
export interface MoneyState {
  readonly ocasc: OcascState;
  readonly balances: ReadonlyMap<Address, bigint>;
  /** What the contract has. */
  readonly heldWei: bigint;
  /** What transactions have cost. */
  readonly burntWei: bigint;
}

/** Near to what the calls take on a chain (contracts/gas.json); the same for each, as nothing is decided by it. */
export const CALL_GAS = 120_000n;

export function startMoney(balances: ReadonlyMap<Address, bigint>): MoneyState {
  return { ocasc: NO_SALES, balances, heldWei: 0n, burntWei: 0n };
}

/** One call of OCASC with the money that it moves; the gas is paid in any case. */
export function callWithMoney(
  settings: OcascSettings,
  before: MoneyState,
  call: SaleCall,
  block: Pick<OcascCall, 'sender' | 'timestampSeconds' | 'baseFeeWei' | 'headOf'>,
): { readonly money: MoneyState; readonly logs: readonly OcascLog[]; readonly reverted: string | null } {
  const { sender, baseFeeWei } = block;
  const balances = new Map(before.balances);
  const add = (account: Address, wei: bigint): void => {
    balances.set(account, (balances.get(account) ?? 0n) + wei);
  };
  const gasWei = CALL_GAS * (baseFeeWei + call.tipWei);
  add(sender, -gasWei);
  const burntWei = before.burntWei + gasWei;
  const outcome = callOcasc(settings, before.ocasc, { ...call, ...block });
  if ('reverted' in outcome) return { money: { ...before, balances, burntWei }, logs: [], reverted: outcome.reverted };
  const { state, logs, paid } = outcome;
  add(sender, -call.valueWei);
  if (paid !== null) add(paid.to, paid.wei);
  const heldWei = before.heldWei + call.valueWei - (paid?.wei ?? 0n);
  return { money: { ocasc: state, balances, heldWei, burntWei }, logs, reverted: null };
}

/** What there is of the coin: it never changes. */
export function totalWei({ balances, heldWei, burntWei }: MoneyState): bigint {
  return [...balances.values()].reduce((sum, wei) => sum + wei, heldWei + burntWei);
}

/** Why the contract has not what it owes; null where it has, to the wei. */
export function findUncovered({ ocasc, heldWei }: MoneyState): string | null {
  const owed = owedWei(ocasc);
  return owed === heldWei ? null : `OCASC has ${heldWei} wei and owes ${owed}`;
}
