/** A name as a person reads it: quoted where it holds what a terminal would obey, or a quote. */
export function showName(name: string): string {
  return /^[^\p{C}"\\]*$/u.test(name) ? name : JSON.stringify(name).replace(/\p{C}/gu, '\ufffd');
}
