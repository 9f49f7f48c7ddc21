/**
 * The console's Content Security Policy: scripts, styles and the worker of its own origin, nothing inline, no eval, and no
 * request to anywhere but its own origin and the chain node that its reader has named.
 * @param moreOrigins such as `https://node.example`
 */
export function contentPolicy(moreOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "worker-src 'self'",
    "img-src 'self'",
    ["connect-src 'self'", ...moreOrigins].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The origin of a chain node that the page's address names, `?rpc=https://node.example/key`; null where it names none that is one. */
export function namedOrigin(target: string): string | null {
  const query = target.split('?', 2)[1];
  const named = query === undefined ? null : new URLSearchParams(query).get('rpc');
  if (named === null || !URL.canParse(named)) return null;
  const { protocol, origin } = new URL(named);
  // Only what such an origin is written with: it stands in a header.
  return /^https?:$/.test(protocol) && /^https?:\/\/[a-z0-9.:[\]-]+$/.test(origin) ? origin : null;
}
