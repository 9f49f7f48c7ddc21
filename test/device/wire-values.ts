/** What dag-cbor can carry: it knows neither bigint nor undefined. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return { bigint: value.toString() };
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value ?? null;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [key, plain(one)]));
}

export function revive(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(revive);
  const map = value as Record<string, unknown>;
  if (typeof map.bigint === 'string') return BigInt(map.bigint);
  return Object.fromEntries(Object.entries(map).map(([key, one]) => [key, revive(one)]));
}
