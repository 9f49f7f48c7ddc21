/** The first of many, and how many more there are. `where` says where all of them are. */
export function listSome(all: readonly string[], most: number, where: string): string[] {
  const more = all.length - most;
  return more <= 0 ? [...all] : [...all.slice(0, most), `and ${more.toLocaleString('en')} more; see all in ${where}`];
}
