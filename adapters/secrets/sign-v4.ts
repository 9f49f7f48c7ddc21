import { createHash, createHmac } from 'node:crypto';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of a role's short-lived credentials. */
  readonly sessionToken?: string;
}

export interface RequestToSign {
  readonly method: 'GET' | 'POST';
  /** Without a query; its path needs no escaping. */
  readonly url: URL;
  /** All of them are signed, `host` besides. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Signature Version 4 of AWS in the authorization header
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). Answers with the headers to
 * send. The clients of AWS sign by themselves; this is for a service that none is installed for.
 */
export function signV4(
  request: RequestToSign,
  scope: { readonly region: string; readonly service: string; readonly credentials: AwsCredentials },
  atMs: number,
): Record<string, string> {
  const { region, service, credentials } = scope;
  const date = new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const { sessionToken } = credentials;
  const headers: Record<string, string> = {
    ...lowerCase(request.headers),
    'x-amz-date': date,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  };
  const signed = { ...headers, host: request.url.host };
  const names = Object.keys(signed).sort();
  const lines = names.map((name) => `${name}:${(signed[name as keyof typeof signed] as string).trim()}\n`);
  const canonical = [request.method, request.url.pathname, '', lines.join(''), names.join(';'), sha256(request.body)];
  const where = [date.slice(0, 8), region, service, 'aws4_request'];
  const toSign = ['AWS4-HMAC-SHA256', date, where.join('/'), sha256(canonical.join('\n'))].join('\n');
  const key = where.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${credentials.secretAccessKey}`);
  const signature = hmac(key, toSign).toString('hex');
  const credential = [credentials.accessKeyId, ...where].join('/');
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...headers, authorization };
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, message: string): Buffer {
  return createHmac('sha256', key).update(message).digest();
}
