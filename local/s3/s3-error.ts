/** An answer other than success, as S3 words it. The message reaches the client: it never holds a path or a secret. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly code: string;
  readonly status: number;
  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** S3 answers 501 here; 400 keeps every 5xx of this store a fault of its own. */
export function notImplemented(what: string): S3Error {
  return new S3Error('NotImplemented', 400, `${what} is not part of this subset of S3.`);
}

export function noSuchKey(): S3Error {
  return new S3Error('NoSuchKey', 404, 'The specified key does not exist.');
}

export function errorXml(error: { code: string; message: string }, resource: string, requestId: string): string {
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${xmlText(error.code)}</Code>` +
    `<Message>${xmlText(error.message)}</Message><Resource>${xmlText(resource)}</Resource>` +
    `<RequestId>${requestId}</RequestId></Error>`
  );
}

/** Text as the content of an XML element; what XML 1.0 cannot hold at all becomes U+FFFD. */
export function xmlText(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML cannot hold
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replace(/[&<>"'\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`)
  );
}
