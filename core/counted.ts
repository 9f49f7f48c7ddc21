/** A number with its noun, as sentences have it: `1 block`, `1,200 blocks`, `2 batches`. */
export function counted(count: number, noun: string): string {
  const plural = /(?:s|x|ch|sh)$/.test(noun) ? 'es' : 's';
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : plural}`;
}
