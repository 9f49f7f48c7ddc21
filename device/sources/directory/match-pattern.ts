/**
 * Whether a path fits a pattern: `*` stands for any characters but a slash, `**` for any, `?` for one; upper and lower case
 * are alike. A pattern without a slash is held against the last name alone.
 * @param path with slashes, from the watched directory on
 */
export function matchesPattern(pattern: string, path: string): boolean {
  const name = pattern.includes('/') ? path : path.slice(path.lastIndexOf('/') + 1);
  return compile(pattern).test(name);
}

const compiled = new Map<string, RegExp>();

function compile(pattern: string): RegExp {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const source = pattern
    .replace(/^\//, '')
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/|\*\*|\*|\?/g, (wild) => WILD[wild] as string);
  const made = new RegExp(`^${source}$`, 'isu');
  compiled.set(pattern, made);
  return made;
}

const WILD: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' };
