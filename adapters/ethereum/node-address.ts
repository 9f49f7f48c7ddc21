/** Where a node is, and what may be said of it: its path, user and password are secrets of whoever hosts it. */
export interface NodeAddress {
  /** Without user and password, which fetch refuses. */
  readonly url: URL;
  /** For errors and notices. */
  readonly host: string;
  /** Of user and password; null without. */
  readonly authorization: string | null;
}

/** Reads a node's URL. User and password in it are sent as HTTP basic authentication (RFC 7617). */
export function nodeAddress(rpcUrl: string): NodeAddress {
  const url = new URL(rpcUrl);
  const { host, username, password } = url;
  url.username = '';
  url.password = '';
  if (username === '' && password === '') return { url, host, authorization: null };
  const pair = `${decode(username)}:${decode(password)}`;
  return { url, host, authorization: `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}` };
}

/** A `%` that no two hex digits follow stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
