/** What stands between us and another machine, as the system names it, and what to do; null for anything else. */
export function connectionFault(cause: unknown, host: string): string | null {
  for (let one = cause, depth = 0; one instanceof Error && depth < MAX_CAUSES; depth++, one = one.cause) {
    const code = 'code' in one ? String(one.code) : '';
    const found = FAULTS.find(({ codes }) => codes.includes(code));
    if (found !== undefined) return `${found.what(host)} (${code}). ${found.remedy}`;
    // By the fetch standard a status of 407 is no answer but a failure, to which Node gives neither code nor words.
    if (one !== cause && code === '' && one.message === '') {
      return 'fetch gives no reason, for example for HTTP 407, when a proxy wants a user and password. Give the proxy its own.';
    }
    // Names that lead to several addresses fail once for each.
    if (one instanceof AggregateError && one.errors.length > 0) {
      const said = connectionFault(one.errors[0], host);
      if (said !== null) return said;
    }
  }
  return null;
}

const MAX_CAUSES = 5;

interface Fault {
  /** Of Node, OpenSSL or the system. */
  readonly codes: readonly string[];
  readonly what: (host: string) => string;
  readonly remedy: string;
}

const FAULTS: readonly Fault[] = [
  {
    codes: [
      ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED'],
    ],
    what: (host) => `this machine does not trust whoever signed the TLS certificate of ${host}`,
    remedy: "If the certificate is yours, or your proxy's, set NODE_EXTRA_CA_CERTS=FILE",
  },
  {
    codes: ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'],
    what: (host) => `the TLS certificate of ${host} is not valid now`,
    remedy: "Check this machine's clock, then the certificate.",
  },
  {
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID'],
    what: (host) => `the TLS certificate is not for ${host}`,
    remedy: 'Use the name in the certificate.',
  },
  {
    codes: ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'],
    what: (host) => `${host} does not speak TLS at this port`,
    remedy: 'Try http:// in place of https://.',
  },
  {
    codes: ['ENOTFOUND', 'EAI_NONAME', 'EAI_NODATA'],
    what: (host) => `DNS has no address for ${host}`,
    remedy: 'Check the name; behind a proxy, set NODE_USE_ENV_PROXY=1.',
  },
  { codes: ['EAI_AGAIN', 'EAI_FAIL'], what: () => 'DNS does not answer now', remedy: 'Check the network.' },
  { codes: ['ECONNREFUSED'], what: (host) => `nothing listens at ${host}`, remedy: 'Check that it is running.' },
  {
    codes: ['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
    what: (host) => `there is no route from here to ${host}`,
    remedy: 'Check the network.',
  },
  {
    codes: ['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'],
    what: (host) => `the connection to ${host} timed out`,
    remedy: 'Check network and firewall; behind a proxy, set NODE_USE_ENV_PROXY=1.',
  },
  {
    codes: ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'],
    what: (host) => `${host} closed the connection`,
    remedy: 'Try again.',
  },
];
