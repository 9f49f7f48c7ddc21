import { matchesPattern } from './match-pattern.ts';

/** What the user says of names. Patterns as in match-pattern.ts. */
export interface NameRules {
  /** Left alone, beside those of SKIPPED_NAMES. */
  readonly skip: readonly string[];
  /** Captured though SKIPPED_NAMES names them. */
  readonly take: readonly string[];
  /** Files that grow and are captured in pieces. */
  readonly follow: readonly string[];
}

/** Names that programs give to what is not complete, or is nobody's data (docs/device-install.md lists them). */
export const SKIPPED_NAMES: readonly string[] = [
  ...['.*', '*~', '*.tmp', '*.temp', '*.part', '*.partial', '*.crdownload', '*.swp', '*.lock'],
];

export const NO_NAME_RULES: NameRules = { skip: [], take: [], follow: [] };

/** The pattern by which a path is left alone; null when it is not. A folder may be called like a temporary file. */
export function patternThatSkips(rules: NameRules, path: string, isFolder: boolean): string | null {
  const fits = (pattern: string): boolean => matchesPattern(pattern, path);
  const own = rules.skip.find(fits);
  if (own !== undefined) return own;
  const usual = (isFolder ? SKIPPED_NAMES.slice(0, 1) : SKIPPED_NAMES).find(fits);
  return usual === undefined || rules.take.some(fits) ? null : usual;
}

/** Rotation puts a number or a date behind a name, and what rotated is followed to its end. What is compressed is another file. */
export function isFollowed(rules: NameRules, path: string): boolean {
  if (rules.follow.length === 0 || /\.(gz|xz|bz2|zst|zip)$/i.test(path)) return false;
  const names = [path, ...[...path.matchAll(/[.\-_~][^/.\-_~]*/g)].map(({ index }) => path.slice(0, index))];
  return rules.follow.some((pattern) => names.some((name) => matchesPattern(pattern, name)));
}
