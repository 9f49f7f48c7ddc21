/** What stands between us and another machine, as the system names it, in a sentence that says what to do; null for anything else. */
export function connectionFault(cause: unknown, host: string): string | null {
  for (let one = cause, depth = 0; one instanceof Error && depth < MAX_CAUSES; depth++, one = one.cause) {
    const code = 'code' in one ? String(one.code) : '';
    const found = FAULTS.find(({ codes }) => codes.includes(code));
    if (found !== undefined) return `${found.say(host)} (${code})`;
    // Names that lead to several addresses fail once for each.
    if (one instanceof AggregateError && one.errors.length > 0) {
      const said = connectionFault(one.errors[0], host);
      if (said !== null) return said;
    }
  }
  return null;
}

const MAX_CAUSES = 5;

/** By Node's, OpenSSL's and the system's codes. */
const FAULTS: readonly { readonly codes: readonly string[]; readonly say: (host: string) => string }[] = [
  {
    codes: [
      ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED'],
    ],
    say: (host) =>
      `the TLS certificate of ${host} is signed by nobody that this machine trusts. If it is yours, or your proxy's, name it: NODE_EXTRA_CA_CERTS=FILE`,
  },
  {
    codes: ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'],
    say: (host) => `the TLS certificate of ${host} is not valid now. Check this machine's clock, then the certificate`,
  },
  {
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID'],
    say: (host) => `the TLS certificate is for another name than ${host}. Use the name that it is for`,
  },
  {
    codes: ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'],
    say: (host) => `${host} does not speak TLS at this port. Is it http:// instead of https://?`,
  },
  {
    codes: ['ENOTFOUND', 'EAI_NONAME', 'EAI_NODATA'],
    say: (host) => `DNS has no address for ${host}. Check the name; behind a proxy, set NODE_USE_ENV_PROXY=1`,
  },
  {
    codes: ['EAI_AGAIN', 'EAI_FAIL'],
    say: () => 'DNS does not answer now. Check the network',
  },
  { codes: ['ECONNREFUSED'], say: (host) => `nothing listens at ${host}. Is it running?` },
  {
    codes: ['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
    say: (host) => `there is no way from here to ${host}. Check the network`,
  },
  {
    codes: ['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'],
    say: (host) => `no connection to ${host} came about in time. Check network and firewall`,
  },
  {
    codes: ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'],
    say: (host) => `${host} hung up`,
  },
];
