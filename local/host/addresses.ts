import { isIP } from 'node:net';

/** Whether nobody but this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return host === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}

/** An address as it stands in a URL. */
export function inUrl(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** Whether a text is one address of a machine, and not all that it has. */
export function isOneAddress(text: string): boolean {
  return isIP(text) !== 0 && !/^(?:0\.0\.0\.0|[0:]+)$/.test(text);
}
