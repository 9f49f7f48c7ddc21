import type { Connection } from '../library/connection.ts';
import type { Output } from './output.ts';

/** Says so when a file that is made for a device leads it to nobody but this machine. */
export function noticeLoopback(output: Output, { apiUrl, rpcUrl }: Pick<Connection, 'apiUrl' | 'rpcUrl'>): void {
  const local = Object.entries({ service: apiUrl, chain: rpcUrl }).filter(([, url]) => leadsHere(url));
  if (local.length === 0) return;
  const what = local.map(([name, url]) => `${name} ${new URL(url).host}`).join(', ');
  output.notice(
    `The file works only on this machine (${what}). For a device elsewhere, start the stack with plumb local up --listen ADDRESS, or connect to a service that other machines can reach; then make the file again.`,
  );
}

/** Whether an address is one of loopback, which on another machine is that machine. */
function leadsHere(url: string): boolean {
  return /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(new URL(url).hostname);
}
