const SIGNATURE_TEXT = `Requests are signed with an Ethereum account: HTTP Message Signatures (RFC 9421) in the ERC-8128 profile.
It covers \`@method\`, \`@authority\`, \`@path\`, \`@query\` where the request has a query, and \`content-digest\` where it has
a body. The parameters are \`created\`, \`expires\` (at most 60 s later), a random \`nonce\` that is
good for one request, and \`keyid="erc8128:<chain id>:<address>"\`, the address in lower case. The signature is the
account's EIP-191 \`personal_sign\` of the signature base, 65 bytes. A clock may be off by 30 s; a refusal for the clock
(\`/problems/clock\`) carries the server's time.`;

/** Three headers make one signed request; OpenAPI has no scheme of its own for RFC 9421. */
export const SECURITY_SCHEMES = {
  signature: {
    type: 'apiKey',
    in: 'header',
    name: 'Signature',
    description: SIGNATURE_TEXT,
  },
  signatureInput: {
    type: 'apiKey',
    in: 'header',
    name: 'Signature-Input',
    description: 'The covered components and the parameters of the signature (RFC 9421 §4.1); see `signature`.',
  },
  contentDigest: {
    type: 'apiKey',
    in: 'header',
    name: 'Content-Digest',
    description: '`sha-256` of the body (RFC 9530), wherever there is one; covered by the signature.',
  },
} as const;

/** All of these headers together. */
export function securityOf(hasBody: boolean): readonly object[] {
  return [{ signature: [], signatureInput: [], ...(hasBody ? { contentDigest: [] } : {}) }];
}
