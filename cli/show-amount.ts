import { type Address, NATIVE_COIN } from '../core/ids.ts';

const WEI_DIGITS = 18;

/** An amount for people: ether for the native coin, to the wei; plain units for a token. */
export function showAmount(amount: bigint, token: Address): string {
  if (token !== NATIVE_COIN) return `${amount.toLocaleString('en')} units of ${token}`;
  const digits = amount.toString().padStart(WEI_DIGITS + 1, '0');
  const fraction = digits.slice(-WEI_DIGITS).replace(/0+$/, '');
  return `${digits.slice(0, -WEI_DIGITS)}${fraction === '' ? '' : `.${fraction}`} ether`;
}

/** A second of the chain's clock. */
export function showSeconds(seconds: number | bigint): string {
  const ms = Number(seconds) * 1000;
  return ms <= 8.64e15 ? new Date(ms).toISOString().replace('.000', '') : 'never';
}
