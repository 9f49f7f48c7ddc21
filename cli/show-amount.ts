import { type Address, NATIVE_COIN } from '../core/ids.ts';
import type { TokenName } from '../core/ports/tokens.ts';

const WEI_DIGITS = 18;

/**
 * An amount for people, to the last digit: ether for the native coin; of a token what its symbol and decimals make of it,
 * always with its address, as anybody can give a token any symbol; plain units where it does not say.
 */
export function showAmount(amount: bigint, token: Address | TokenName): string {
  const { token: at, symbol, decimals } = typeof token === 'string' ? { token, symbol: null, decimals: null } : token;
  if (at === NATIVE_COIN) return `${withPoint(amount, WEI_DIGITS)} ether`;
  if (decimals === null) return `${amount.toLocaleString('en')} units of ${at}`;
  return `${withPoint(amount, decimals)} ${symbol ?? 'of the token'} (${at})`;
}

function withPoint(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** A second of the chain's clock. */
export function showSeconds(seconds: number | bigint): string {
  const ms = Number(seconds) * 1000;
  return ms <= 8.64e15 ? new Date(ms).toISOString().replace('.000', '') : 'never';
}
