import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SigV4Refused, type SigV4Request, type SigV4Rules, verifySigV4 } from '../../../local/s3/verify-sigv4.ts';

// Published by AWS: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in a
// Single Chunk" and "Authenticating Requests: Using Query Parameters"; bucket examplebucket, virtual-host style.
const S3_EXAMPLES: SigV4Rules = {
  accessKey: 'AKIAIOSFODNN7EXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 's3',
  authority: 'examplebucket.s3.amazonaws.com',
  now: () => new Date('2013-05-24T00:00:00Z'),
};
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const SCOPE = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request';

const getWithRange: SigV4Request = {
  method: 'GET',
  target: '/test.txt',
  rawHeaders: [
    ...['Host', 'examplebucket.s3.amazonaws.com', 'Range', 'bytes=0-9'],
    ...['x-amz-content-sha256', EMPTY, 'x-amz-date', '20130524T000000Z'],
    'Authorization',
    `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,` +
      'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
};

const putWithDollar: SigV4Request = {
  method: 'PUT',
  target: '/test%24file.text',
  rawHeaders: [
    ...['Date', 'Fri, 24 May 2013 00:00:00 GMT', 'Host', 'examplebucket.s3.amazonaws.com'],
    ...['x-amz-content-sha256', '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072'],
    ...['x-amz-date', '20130524T000000Z', 'x-amz-storage-class', 'REDUCED_REDUNDANCY'],
    'Authorization',
    `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,` +
      'Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  ],
};

const listWithQuery: SigV4Request = {
  method: 'GET',
  target: '/?max-keys=2&prefix=J',
  rawHeaders: [
    ...['Host', 'examplebucket.s3.amazonaws.com', 'x-amz-content-sha256', EMPTY, 'x-amz-date', '20130524T000000Z'],
    'Authorization',
    `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=host;x-amz-content-sha256;x-amz-date,` +
      'Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  ],
};

const PRESIGNED_QUERY =
  'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
  '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
  '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
const presignedGet: SigV4Request = {
  method: 'GET',
  target: `/test.txt?${PRESIGNED_QUERY}`,
  rawHeaders: ['Host', 'examplebucket.s3.amazonaws.com'],
};

// Published by AWS: aws-sig-v4-test-suite.
const SUITE: SigV4Rules = {
  accessKey: 'AKIDEXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 'service',
  authority: 'example.amazonaws.com',
  now: () => new Date('2015-08-30T12:36:00Z'),
};
function suiteRequest(method: string, target: string, signature: string, bodySha256Hex = EMPTY): SigV4Request {
  return {
    method,
    target,
    bodySha256Hex,
    rawHeaders: [
      ...['Host', 'example.amazonaws.com', 'X-Amz-Date', '20150830T123600Z', 'Authorization'],
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
        `SignedHeaders=host;x-amz-date, Signature=${signature}`,
    ],
  };
}

function withHeader(request: SigV4Request, name: string, value: string): SigV4Request {
  return { ...request, rawHeaders: [...request.rawHeaders, name, value] };
}

function replaced(request: SigV4Request, from: string | RegExp, to: string): SigV4Request {
  const rawHeaders = request.rawHeaders.map((text) => text.replace(from, to));
  const changed = { ...request, target: request.target.replace(from, to), rawHeaders };
  assert.notDeepEqual(changed, request, 'the test changed nothing');
  return changed;
}

function refuses(rules: SigV4Rules, request: SigV4Request, code: string, message = /./): void {
  assert.throws(
    () => verifySigV4(rules, request),
    (error) => error instanceof SigV4Refused && error.code === code && message.test(error.message),
  );
}

describe('verifySigV4: published examples', () => {
  for (const [name, request] of Object.entries({ getWithRange, putWithDollar, listWithQuery, presignedGet })) {
    it(`accepts AWS's ${name}`, () => {
      assert.equal(verifySigV4(S3_EXAMPLES, request).kind, name === 'presignedGet' ? 'presigned' : 'header');
    });
  }
  const suite: [string, SigV4Request][] = [
    ['get-vanilla', suiteRequest('GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31')],
    [
      'get-vanilla-query-order-key-case',
      suiteRequest(
        'GET',
        '/?Param2=value2&Param1=value1',
        'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
      ),
    ],
    ['post-vanilla', suiteRequest('POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b')],
  ];
  for (const [name, request] of suite) {
    it(`accepts the test suite's ${name}`, () => {
      assert.deepEqual(verifySigV4(SUITE, request).payload, { kind: 'sha256', sha256Hex: EMPTY });
    });
  }
});

describe('verifySigV4: what an attacker alters', () => {
  it("refuses what was signed with another key, right behind one's own, and takes one's own again", () => {
    const another: SigV4Rules = { ...S3_EXAMPLES, secretKey: `${S3_EXAMPLES.secretKey}0` };
    assert.equal(verifySigV4(S3_EXAMPLES, getWithRange).kind, 'header');
    refuses(another, getWithRange, 'SignatureDoesNotMatch');
    assert.equal(verifySigV4(S3_EXAMPLES, getWithRange).kind, 'header');
  });
  it('refuses another method', () => refuses(S3_EXAMPLES, { ...getWithRange, method: 'PUT' }, 'SignatureDoesNotMatch'));
  it('refuses another path', () =>
    refuses(S3_EXAMPLES, replaced(getWithRange, 'test.txt', 'tess.txt'), 'SignatureDoesNotMatch'));
  it('refuses another value of a signed header', () =>
    refuses(S3_EXAMPLES, replaced(getWithRange, 'bytes=0-9', 'bytes=0-8'), 'SignatureDoesNotMatch'));
  it('refuses another payload hash', () =>
    refuses(S3_EXAMPLES, replaced(getWithRange, /^e3b0/, 'e3b1'), 'SignatureDoesNotMatch'));
  it('refuses a parameter added to a presigned query', () =>
    refuses(S3_EXAMPLES, { ...presignedGet, target: `${presignedGet.target}&versionId=1` }, 'SignatureDoesNotMatch'));
  it('refuses a longer expiry', () =>
    refuses(S3_EXAMPLES, replaced(presignedGet, 'Expires=86400', 'Expires=86401'), 'SignatureDoesNotMatch'));
  it('refuses every single altered digit of a signature', () => {
    for (let at = 0; at < 64; at++) {
      const start = presignedGet.target.length - 64 + at;
      const digit = (Number.parseInt(presignedGet.target[start]!, 16) ^ 1).toString(16);
      const target = presignedGet.target.slice(0, start) + digit + presignedGet.target.slice(start + 1);
      refuses(S3_EXAMPLES, { ...presignedGet, target }, 'SignatureDoesNotMatch');
    }
  });
  it('refuses a signed header taken away', () =>
    refuses(S3_EXAMPLES, replaced(getWithRange, /^Range$/, 'Rangf'), 'SignatureDoesNotMatch'));
  it('refuses an unsigned x-amz header put in', () =>
    refuses(S3_EXAMPLES, withHeader(getWithRange, 'x-amz-meta-a', 'b'), 'AccessDenied', /not signed/));
  it('refuses an unsigned x-amz header put beside a presigned URL', () =>
    refuses(S3_EXAMPLES, withHeader(presignedGet, 'X-Amz-Tagging', 'b'), 'AccessDenied', /not signed/));
  it('refuses a header sent twice', () =>
    refuses(S3_EXAMPLES, withHeader(getWithRange, 'range', 'bytes=0-9'), 'InvalidURI', /twice/));
  it('refuses a parameter sent twice', () =>
    refuses(S3_EXAMPLES, { ...listWithQuery, target: '/?max-keys=2&prefix=J&max-keys=2' }, 'InvalidURI', /twice/));
  it('refuses an unknown access key', () =>
    refuses(S3_EXAMPLES, replaced(getWithRange, 'AKIAIOSFODNN7EXAMPLE', 'AKIAIOSFODNN7EXAMPLF'), 'InvalidAccessKeyId'));
  it('refuses another secret', () =>
    refuses({ ...S3_EXAMPLES, secretKey: 'x' }, getWithRange, 'SignatureDoesNotMatch'));
  it('refuses the credential of another region or service', () => {
    refuses({ ...S3_EXAMPLES, region: 'eu-west-1' }, getWithRange, 'AuthorizationHeaderMalformed');
    refuses({ ...S3_EXAMPLES, service: 'lambda' }, getWithRange, 'AuthorizationHeaderMalformed');
  });
  it('refuses a body other than the signed one', () =>
    refuses(S3_EXAMPLES, { ...getWithRange, bodySha256Hex: EMPTY.replace('e', 'f') }, 'XAmzContentSHA256Mismatch'));
  it('refuses a streaming payload', () =>
    refuses(S3_EXAMPLES, replaced(getWithRange, EMPTY, 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'), 'NotImplemented'));
});

describe('verifySigV4: who is asked, and from where', () => {
  it('refuses a Host that is not ours (DNS rebinding)', () =>
    refuses({ ...S3_EXAMPLES, authority: '127.0.0.1:9000' }, getWithRange, 'AccessDenied', /Host/));
  it('refuses a foreign and a null Origin', () => {
    for (const origin of ['https://evil.example', 'null', 'https://examplebucket.s3.amazonaws.com', '']) {
      refuses(S3_EXAMPLES, withHeader(getWithRange, 'Origin', origin), 'AccessDenied', /origin/);
    }
  });
  it('takes its own Origin', () => {
    verifySigV4(S3_EXAMPLES, withHeader(getWithRange, 'Origin', 'http://examplebucket.s3.amazonaws.com'));
  });
  it('refuses an unsigned request', () =>
    refuses(
      S3_EXAMPLES,
      { ...getWithRange, rawHeaders: getWithRange.rawHeaders.slice(0, 4) },
      'AccessDenied',
      /not signed/,
    ));
  it('refuses two signatures at once', () =>
    refuses(S3_EXAMPLES, { ...getWithRange, target: presignedGet.target }, 'InvalidArgument'));
  it('refuses a signature that leaves host out', () =>
    refuses(
      S3_EXAMPLES,
      replaced(presignedGet, 'SignedHeaders=host', 'SignedHeaders=range'),
      'SignatureDoesNotMatch',
      /host/,
    ));
  it('refuses an absolute-form target', () =>
    refuses(S3_EXAMPLES, { ...getWithRange, target: 'http://examplebucket.s3.amazonaws.com/test.txt' }, 'InvalidURI'));
});

describe('verifySigV4: time', () => {
  const at = (iso: string): SigV4Rules => ({ ...S3_EXAMPLES, now: () => new Date(iso) });
  it('takes a header signature 15 minutes off, not a second more', () => {
    verifySigV4(at('2013-05-24T00:15:00Z'), getWithRange);
    verifySigV4(at('2013-05-23T23:45:00Z'), getWithRange);
    refuses(at('2013-05-24T00:15:01Z'), getWithRange, 'RequestTimeTooSkewed');
    refuses(at('2013-05-23T23:44:59Z'), getWithRange, 'RequestTimeTooSkewed');
  });
  it('takes a presigned one until it expires, not a second longer', () => {
    verifySigV4(at('2013-05-25T00:00:00Z'), presignedGet);
    refuses(at('2013-05-25T00:00:01Z'), presignedGet, 'AccessDenied', /expired/);
    refuses(at('2013-05-23T23:44:59Z'), presignedGet, 'AccessDenied', /not valid yet/);
  });
  it('refuses an expiry of 0, over 7 days, or no number', () => {
    for (const value of ['0', '604801', '-1', '1e3', '', '0x10', '9999999']) {
      refuses(S3_EXAMPLES, replaced(presignedGet, '86400', value), 'AuthorizationQueryParametersError');
    }
  });
  it('refuses dates that are no dates or not those of the credential', () => {
    for (const value of ['20130524T000060Z', '20130231T000000Z', '20130525T000000Z', '2013-05-24T00:00:00Z']) {
      refuses(
        S3_EXAMPLES,
        replaced(presignedGet, 'X-Amz-Date=20130524T000000Z', `X-Amz-Date=${value}`),
        'AccessDenied',
        /date/,
      );
    }
  });
});

describe('verifySigV4: malformed input', () => {
  it('is refused with a code, whatever it is', () => {
    const targets = [
      '',
      '*',
      '?',
      '/%',
      '/%zz',
      '/%2',
      '/?%ff',
      '/?a=%c3',
      '/#a',
      '/a b',
      '/?a+b',
      '/\\',
      '/?x-id=%',
      '//',
    ];
    for (const target of targets) {
      assert.throws(() => verifySigV4(S3_EXAMPLES, { ...getWithRange, target }), SigV4Refused, target);
    }
    for (const authorization of [
      '',
      'Basic YTpi',
      'AWS4-HMAC-SHA256',
      'AWS4-HMAC-SHA256 Credential=a,SignedHeaders=,Signature=',
    ]) {
      const rawHeaders = getWithRange.rawHeaders.with(-1, authorization);
      refuses(S3_EXAMPLES, { ...getWithRange, rawHeaders }, 'AuthorizationHeaderMalformed');
    }
  });
});

it('verifySigV4 accepts what @aws-sdk/client-lambda signs, and not its body altered', async (t) => {
  const seen: { request: SigV4Request; rules: SigV4Rules }[] = [];
  const server = createServer(async (incoming, response) => {
    const body = await buffer(incoming);
    seen.push({
      request: {
        method: incoming.method!,
        target: incoming.url!,
        rawHeaders: incoming.rawHeaders,
        bodySha256Hex: createHash('sha256').update(body).digest('hex'),
      },
      rules: {
        accessKey: 'A',
        secretKey: 'S',
        region: 'us-east-1',
        service: 'lambda',
        authority,
        now: () => new Date(),
      },
    });
    response.end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(() => server.close());
  const client = new LambdaClient({
    endpoint: `http://${authority}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'A', secretAccessKey: 'S' },
  });
  // An ARN has colons, which this service signs encoded twice.
  await client.send(
    new InvokeCommand({ FunctionName: 'arn:aws:lambda:us-east-1:0:function:hash-blocks', Payload: '{"a":1}' }),
  );
  client.destroy();
  const { rules, request } = seen[0]!;
  assert.match(request.target, /%3A/);
  assert.equal(verifySigV4(rules, request).kind, 'header');
  refuses(rules, { ...request, bodySha256Hex: EMPTY }, 'XAmzContentSHA256Mismatch');
});
