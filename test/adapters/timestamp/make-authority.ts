import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as asn1js from 'asn1js';
import {
  Accuracy,
  AlgorithmIdentifier,
  Attribute,
  AttributeTypeAndValue,
  BasicConstraints,
  Certificate,
  ContentInfo,
  EncapsulatedContentInfo,
  Extension,
  ExtKeyUsage,
  IssuerAndSerialNumber,
  MessageImprint,
  PKIStatusInfo,
  SignedAndUnsignedAttributes,
  SignedData,
  SignerInfo,
  TimeStampReq,
  TimeStampResp,
  TSTInfo,
} from 'pkijs';

/*
 * A time-stamping authority that does as a test tells it, wrongly too: real ones do not. Whether it speaks as others do, the recorded
 * token says, and OpenSSL in test:real.
 */

const SHA256 = '2.16.840.1.101.3.4.2.1';
const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256' };

export interface Issued {
  readonly certificate: Certificate;
  readonly keys: CryptoKeyPair;
}

export interface Wanted {
  readonly name: string;
  /** Itself where not given. */
  readonly issuer?: Issued;
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  /** Of its extended key usage; none where empty. */
  readonly purposes?: readonly string[];
  readonly isCritical?: boolean;
  readonly from?: Date;
  readonly to?: Date;
  readonly keys?: CryptoKeyPair;
}

let serial = 1;

export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

export async function issue({ name, issuer, ...wanted }: Wanted): Promise<Issued> {
  const keys = wanted.keys ?? ((await crypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])) as CryptoKeyPair);
  const certificate = new Certificate({ version: 2, serialNumber: new asn1js.Integer({ value: serial++ }) });
  const named = (text: string) =>
    new AttributeTypeAndValue({ type: '2.5.4.3', value: new asn1js.Utf8String({ value: text }) });
  certificate.subject.typesAndValues.push(named(name));
  if (issuer === undefined) certificate.issuer.typesAndValues.push(named(name));
  else certificate.issuer = issuer.certificate.subject;
  certificate.notBefore.value = wanted.from ?? new Date('2020-01-01T00:00:00Z');
  certificate.notAfter.value = wanted.to ?? new Date('2049-01-01T00:00:00Z');
  const { isAuthority = false, pathLength, purposes = [] } = wanted;
  const constraints = new BasicConstraints({
    cA: isAuthority,
    ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength }),
  });
  certificate.extensions = [extension('2.5.29.19', true, constraints.toSchema().toBER())];
  if (purposes.length > 0) {
    const usage = new ExtKeyUsage({ keyPurposes: [...purposes] }).toSchema().toBER();
    certificate.extensions.push(extension('2.5.29.37', wanted.isCritical ?? true, usage));
  }
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey);
  await certificate.sign((issuer?.keys ?? keys).privateKey, 'SHA-256');
  // As it is read, so that nothing of how it was made is left.
  return { certificate: Certificate.fromBER(certificate.toSchema(true).toBER()), keys };
}

function extension(extnID: string, critical: boolean, extnValue: ArrayBuffer): Extension {
  return new Extension({ extnID, critical, extnValue });
}

export function pemOf({ certificate }: Issued): string {
  const body = Buffer.from(certificate.toSchema().toBER()).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${body.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`;
}

export interface Stamp {
  readonly signer: Issued;
  /** Brought along beside the signer's. */
  readonly others?: readonly Issued[];
  readonly at?: Date;
  readonly nonce?: asn1js.Integer;
  /** What the signature says its certificate is. */
  readonly named?: Issued;
  readonly hash?: string;
}

/** A token on an imprint (SHA-256), as a real authority makes it but for what the stamp says. */
export async function makeToken(imprint: Uint8Array, stamp: Stamp): Promise<Uint8Array> {
  const { signer, others = [], at = new Date('2026-11-30T12:00:00Z'), nonce, named = signer, hash = 'SHA-256' } = stamp;
  const digest = async (data: BufferSource, name = 'SHA-256') => new Uint8Array(await crypto.subtle.digest(name, data));
  const info = new TSTInfo({
    ...{ version: 1, policy: '1.3.6.1.4.1.99999.1', serialNumber: new asn1js.Integer({ value: 7 }), genTime: at },
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithmId: SHA256, algorithmParams: new asn1js.Null() }),
      hashedMessage: new asn1js.OctetString({ valueHex: new Uint8Array(imprint) }),
    }),
    accuracy: new Accuracy({ seconds: 1 }),
    ...(nonce === undefined ? {} : { nonce }),
  });
  const content = info.toSchema().toBER();
  const certHash = await digest(named.certificate.toSchema().toBER());
  const essCertId = new asn1js.Sequence({ value: [new asn1js.OctetString({ valueHex: certHash })] });
  const signingCertificate = new asn1js.Sequence({ value: [new asn1js.Sequence({ value: [essCertId] })] });
  const attributes = [
    attribute('1.2.840.113549.1.9.3', new asn1js.ObjectIdentifier({ value: TST_INFO })),
    attribute('1.2.840.113549.1.9.4', new asn1js.OctetString({ valueHex: await digest(content, hash) })),
    attribute('1.2.840.113549.1.9.16.2.47', signingCertificate),
  ];
  const { issuer, serialNumber } = signer.certificate;
  const signed = new SignedData({
    version: 3,
    encapContentInfo: new EncapsulatedContentInfo({
      eContentType: TST_INFO,
      eContent: new asn1js.OctetString({ valueHex: content }),
    }),
    signerInfos: [
      new SignerInfo({
        version: 1,
        sid: new IssuerAndSerialNumber({ issuer, serialNumber }),
        signedAttrs: new SignedAndUnsignedAttributes({ type: 0, attributes }),
      }),
    ],
    certificates: [signer, ...others].map(({ certificate }) => certificate),
  });
  await signed.sign(signer.keys.privateKey, 0, hash);
  return derOf(signed);
}

function derOf(signed: SignedData): Uint8Array {
  const content = new ContentInfo({ contentType: '1.2.840.113549.1.7.2', content: signed.toSchema(true) });
  return new Uint8Array(content.toSchema().toBER());
}

function attribute(type: string, value: asn1js.BaseBlock): Attribute {
  return new Attribute({ type, values: [value] });
}

/** What a server answers: status and body, or nothing, ever. */
export type Answer = { readonly status?: number; readonly body?: Uint8Array; readonly location?: string } | null;

export interface AuthorityServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** An authority over HTTP. */
export async function serveAuthority(answer: (query: TimeStampReq) => Promise<Answer>): Promise<AuthorityServer> {
  const server = createServer((request, response) => {
    const parts: Uint8Array[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', async () => {
      const said = await answer(TimeStampReq.fromBER(new Uint8Array(Buffer.concat(parts))));
      if (said === null) return;
      const headers = {
        'content-type': 'application/timestamp-reply',
        ...(said.location === undefined ? {} : { location: said.location }),
      };
      response.writeHead(said.status ?? 200, headers).end(said.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/tsr`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** TimeStampResp. */
export function encodeAnswer(status: number, token: Uint8Array | null): Uint8Array {
  const response = new TimeStampResp({
    status: new PKIStatusInfo({ status }),
    ...(token === null ? {} : { timeStampToken: ContentInfo.fromBER(new Uint8Array(token)) }),
  });
  return new Uint8Array(response.toSchema().toBER());
}

/** A token as it was asked for. */
export async function answerQuery(query: TimeStampReq, stamp: Stamp): Promise<Uint8Array> {
  const { nonce, messageImprint } = query;
  const imprint = messageImprint.hashedMessage.valueBlock.valueHexView;
  return encodeAnswer(0, await makeToken(imprint, { ...stamp, ...(nonce === undefined ? {} : { nonce }) }));
}

/** Root, issuer and an authority's certificate, all right. */
export async function makeAuthority(): Promise<{ root: Issued; issuer: Issued; signer: Issued }> {
  const root = await issue({ name: 'Test root', isAuthority: true });
  const issuer = await issue({ name: 'Test issuer', isAuthority: true, pathLength: 0, issuer: root });
  const signer = await issue({ name: 'Test time', issuer, purposes: [TIME_STAMPING] });
  return { root, issuer, signer };
}
