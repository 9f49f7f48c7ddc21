/**
 * JSON in its one form (RFC 8785): keys sorted by UTF-16 units, no white space, numbers and texts as ECMAScript writes them.
 * For what JSON.parse gives, and for plain values alike; depth is the caller's to bound.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const map = value as Readonly<Record<string, unknown>>;
  const members = Object.keys(map)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(map[key])}`);
  return `{${members.join(',')}}`;
}
