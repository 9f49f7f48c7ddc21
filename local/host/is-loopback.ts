/** Whether nobody but this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return host === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}
