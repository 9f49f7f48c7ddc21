import { X509Certificate } from 'node:crypto';
import { BasicConstraints, type Certificate, CertificateChainValidationEngine } from 'pkijs';
import { ProofError } from '../../core/errors.ts';
import type { TimestampFinding } from '../../core/evidence/timestamp.ts';
import { derOf, type ReadToken, readToken, requireSigned } from './read-token.ts';

/**
 * Checks a time-stamp token (RFC 3161): its imprint is a message's, a certificate for time-stamps has signed it, and, where roots are
 * named, that certificate leads to one of them and was valid then. Whether it was revoked, nobody is asked.
 * @param message what the imprint is the SHA-256 of
 * @param roots certificates that the reader trusts; null where none are named: then the finding says that this was not checked
 * @throws ProofError when it is no token, is on another message, or its signature is not right
 * @example
 * const finding = await verifyToken(token, timestampMessage(primitives, evidence.head), await readRoots('roots.pem'));
 */
export async function verifyToken(
  token: Uint8Array,
  message: Uint8Array,
  roots: readonly Certificate[] | null,
): Promise<TimestampFinding> {
  const read = readToken(token);
  const signer = await requireSigned(read, message);
  const { info } = read;
  const said = {
    atMs: info.genTime.getTime(),
    accuracyMs: accuracyMs(info),
    authority: subjectOf(signer),
    policy: info.policy,
    serialNumber: Buffer.from(info.serialNumber.valueBlock.valueHexView).toString('hex'),
  };
  if (Number.isNaN(said.atMs)) throw new ProofError('The time-stamp names no time.');
  if (roots === null) {
    return { ...said, holds: null, root: null, reason: 'You named no roots of time-stamping authorities.' };
  }
  const path = await pathToRoot(read, signer, roots);
  return typeof path === 'string'
    ? { ...said, holds: false, root: null, reason: path }
    : { ...said, holds: true, root: subjectOf(path.at(-1) ?? signer), reason: null };
}

/** Certificates on the way to a root, tried: of so few as a token may bring along, no honest way asks for more. */
const MAX_LOOKS = 64;
const BASIC_CONSTRAINTS = '2.5.29.19';
const SHA1_SIGNATURES = ['1.2.840.113549.1.1.5', '1.2.840.10045.4.1', '1.2.840.113549.1.1.4'];

/** From the signer's certificate to a root, or why there is no way. */
async function pathToRoot(
  { info, certificates }: ReadToken,
  signer: Certificate,
  roots: readonly Certificate[],
): Promise<readonly Certificate[] | string> {
  const { genTime } = info;
  const who = `The certificate of ${subjectOf(signer)}, which signed the time-stamp,`;
  const engine = new CertificateChainValidationEngine({
    trustedCerts: [...roots],
    // The engine begins at the last one.
    certs: [...certificates.filter((one) => one !== signer), signer],
    checkDate: genTime,
  });
  let looks = 0;
  const findIssuer = engine.findIssuer;
  // Certificates that have signed each other would be followed round and round.
  engine.findIssuer = (certificate, of, crypto) => {
    if (++looks > MAX_LOOKS) throw new ProofError('The certificates lead to no root.');
    return findIssuer.call(engine, certificate, of, crypto);
  };
  const { result, certificatePath = [], resultMessage } = await engine.verify();
  if (!result)
    return `${who} leads to none of the roots that you have named, as of ${genTime.toISOString()}: ${resultMessage}.`;
  const path = certificatePath;
  if (path.slice(0, -1).some(({ signatureAlgorithm }) => SHA1_SIGNATURES.includes(signatureAlgorithm.algorithmId))) {
    return `${who} leads to a root through signatures on SHA-1 or MD5, which can be forged.`;
  }
  // The engine leaves this to whoever calls it: how many issuers may stand below each.
  for (const [below, { extensions = [] }] of path.entries()) {
    const found = extensions.find(({ extnID }) => extnID === BASIC_CONSTRAINTS)?.parsedValue;
    const most = found instanceof BasicConstraints ? found.pathLenConstraint : undefined;
    if (below > 0 && most !== undefined && below - 1 > Number(most)) {
      return `${who} leads to a root through more issuers than one of them allows below it.`;
    }
  }
  return path;
}

/** As others show it: `C=DE, O=An Authority, CN=Time 4`. */
function subjectOf(certificate: Certificate): string {
  try {
    return new X509Certificate(derOf(certificate)).subject.split('\n').join(', ');
  } catch {
    return 'a certificate that cannot be read';
  }
}

function accuracyMs({ accuracy }: ReadToken['info']): number | null {
  if (accuracy === undefined) return null;
  const { seconds = 0, millis = 0, micros = 0 } = accuracy;
  return 1000 * seconds + millis + (micros > 0 ? 1 : 0);
}
