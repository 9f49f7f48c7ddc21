/** The parts of a request's address, as the bytes they were sent in: nothing decoded, nothing normalised. */
export interface RequestTarget {
  /** As sent; compare in lower case. */
  authority: string;
  /** Begins with a slash. */
  path: string;
  /** Without its question mark; empty when there is none. */
  query: string;
}

const MAX_URL_CHARS = 8_192;
// A percent sign without two digits would only fail later, in whoever decodes it.
const PATH_OR_QUERY = /^(?:[!$&-;=?-[\]^-~]|%[0-9A-Fa-f]{2})*$/;
const AUTHORITY = /^[A-Za-z0-9._:[\]-]{1,255}$/;

/**
 * Cuts an absolute URL into authority, path and query, or answers null when it is not one.
 *
 * Not done with `URL`: that resolves dot segments (`%2e%2e` too), turns backslashes into slashes and drops tabs, line
 * feeds and the fragment, so that many different requests would share one signature.
 */
export function parseRequestTarget(url: string): RequestTarget | null {
  if (typeof url !== 'string' || url.length > MAX_URL_CHARS) return null;
  const [, authority, path, query = ''] = /^https?:\/\/([^/?#]+)(\/[^?#]*)(?:\?([^#]*))?$/.exec(url) ?? [];
  if (authority === undefined || path === undefined) return null;
  if (!AUTHORITY.test(authority) || !PATH_OR_QUERY.test(path) || !PATH_OR_QUERY.test(query)) return null;
  return { authority, path, query };
}
