import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as asn1js from 'asn1js';
import { nodePrimitives as primitives } from '../../../adapters/crypto/node-primitives.ts';
import { checkTimestamp } from '../../../adapters/timestamp/check-timestamp.ts';
import { parseRoots } from '../../../adapters/timestamp/parse-roots.ts';
import { requestToken } from '../../../adapters/timestamp/request-token.ts';
import { verifyToken } from '../../../adapters/timestamp/verify-token.ts';
import { reportEvidence } from '../../../client/evidence/report-evidence.ts';
import { sayEvidence } from '../../../client/evidence/say-evidence.ts';
import { fromHex } from '../../../core/bytes.ts';
import { DISSC_ADDRESS } from '../../../core/dissc-address.ts';
import { AnswerError, ArgumentError, ProofError, StoreUnavailableError } from '../../../core/errors.ts';
import { encodeEvidence } from '../../../core/evidence/encode-evidence.ts';
import { parseEvidence } from '../../../core/evidence/parse-evidence.ts';
import { timestampMessage } from '../../../core/evidence/timestamp.ts';
import { verifyEvidence } from '../../../core/evidence/verify-evidence.ts';
import { exampleEvidence } from '../../../dev/specification/example-evidence.ts';
import {
  type Answer,
  type AuthorityServer,
  answerQuery,
  encodeAnswer,
  type Issued,
  issue,
  makeAuthority,
  makeToken,
  pemOf,
  type Stamp,
  serveAuthority,
  TIME_STAMPING,
} from './make-authority.ts';

const { message, token, roots, at } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'recorded-token.json'), 'utf8'),
) as Record<'message' | 'token' | 'roots' | 'at', string>;
const recorded = {
  message: fromHex(message),
  token: Uint8Array.from(Buffer.from(token, 'base64')),
  roots: parseRoots(roots),
};

describe('a time-stamp token that OpenSSL has made, of the head of docs/example.evidence.json', () => {
  it('is on what the specification says, and leads to its root', async () => {
    const evidence = parseEvidence(await exampleEvidence());
    // Another head than the recorded one: make it anew, PLUMBLINE_RECORD=1 npm run test:real -- test/adapters/timestamp/openssl.real.ts
    assert.deepEqual(timestampMessage(primitives, evidence.head), recorded.message);
    const held = await verifyToken(recorded.token, recorded.message, recorded.roots);
    assert.deepEqual([held.holds, held.atMs, held.accuracyMs], [true, Date.parse(at), 1500]);
    assert.deepEqual([held.authority, held.root], ['O=Plumbline tests, CN=Time', 'O=Plumbline tests, CN=Root']);
  });

  it('without roots says that whose it is was not checked; with others, that it leads to none of them', async () => {
    const unknown = await verifyToken(recorded.token, recorded.message, null);
    assert.deepEqual([unknown.holds, unknown.atMs], [null, Date.parse(at)]);
    const { root } = await makeAuthority();
    const other = await verifyToken(recorded.token, recorded.message, parseRoots(pemOf(root)));
    assert.equal(other.holds, false);
    assert.match(other.reason ?? '', /CN=Time, which signed the time-stamp, leads to none of the roots/);
    await assert.rejects(verifyToken(recorded.token, recorded.message.slice(1), null), /its imprint differs/);
    assert.throws(() => parseRoots('none'), ArgumentError);
  });

  it('with any byte changed, cut or continued, is refused, leads nowhere, or says the same', async () => {
    const truth = await verifyToken(recorded.token, recorded.message, recorded.roots);
    const ends = { refused: 0, nowhere: 0, same: 0 };
    const others = [recorded.token.slice(0, -1), new Uint8Array([...recorded.token, 0]), new Uint8Array()];
    for (let place = 0; place < recorded.token.length; place += 29) {
      const other = recorded.token.slice();
      other[place] = (other[place] as number) ^ (1 << (place % 8));
      others.push(other);
    }
    for (const other of others) {
      try {
        const { holds, reason, root, ...said } = await verifyToken(other, recorded.message, recorded.roots);
        if (holds === true) assert.deepEqual({ holds, reason, root, ...said }, truth);
        ends[holds === true ? 'same' : 'nowhere']++;
      } catch (error) {
        assert.ok(error instanceof ProofError, String(error));
        ends.refused++;
      }
    }
    // What is not signed, as the version or a name of an algorithm that another one stands for, says nothing.
    assert.ok(ends.refused > 20 && ends.nowhere > 0 && ends.same < 15, JSON.stringify(ends));
  });

  it('is not read where it nests without end', async () => {
    const indefinite = new Uint8Array(65_536).map((_, place) => (place % 2 === 0 ? 0x30 : 0x80));
    const nested = Uint8Array.from({ length: 60_000 }, () => 0xa0);
    for (const hostile of [indefinite, nested, new Uint8Array(65_536)]) {
      await assert.rejects(verifyToken(hostile, recorded.message, null), ProofError);
    }
  });
});

describe('a time-stamp token', () => {
  let authority: Awaited<ReturnType<typeof makeAuthority>>;
  const text = new TextEncoder().encode('a head');
  const imprint = primitives.sha256(text);
  before(async () => {
    authority = await makeAuthority();
  });

  const verify = async (stamp: Partial<Stamp>, trusted: Issued = authority.root) => {
    const { signer, issuer } = authority;
    const made = await makeToken(imprint, { signer, others: [issuer], ...stamp });
    return verifyToken(made, text, parseRoots(pemOf(trusted)));
  };

  it('holds as an authority makes it, and by a later time only while its certificates are valid', async () => {
    assert.equal((await verify({})).holds, true);
    assert.equal((await verify({}, authority.issuer)).holds, true);
    const early = await verify({ at: new Date('2019-01-01T00:00:00Z') });
    assert.match(early.reason ?? '', /as of 2019.*not yet valid or expired/);
  });

  it('is refused under a certificate for other purposes, of another than is named, or on SHA-1', async () => {
    const { issuer } = authority;
    const server = await issue({ name: 'Web', issuer, purposes: ['1.3.6.1.5.5.7.3.1'] });
    const both = await issue({ name: 'Both', issuer, purposes: [TIME_STAMPING, '1.3.6.1.5.5.7.3.1'] });
    const soft = await issue({ name: 'Soft', issuer, purposes: [TIME_STAMPING], isCritical: false });
    const none = await issue({ name: 'None', issuer });
    for (const signer of [server, both, soft, none])
      await assert.rejects(verify({ signer }), /is not for time-stamping alone/);
    await assert.rejects(verify({ named: both }), /not bound to its certificate/);
    await assert.rejects(verify({ hash: 'SHA-1' }), /uses a hash other than SHA-256/);
  });

  it('leads to no root by somebody who may not issue, in a circle, or past a limit of the path', async () => {
    const { root, issuer, signer } = authority;
    const lone = await issue({ name: 'Lone', purposes: [TIME_STAMPING] });
    assert.equal((await verify({ signer: lone, others: [root, issuer] })).holds, false);
    const user = await issue({ name: 'User', issuer: root });
    const byUser = await issue({ name: 'By user', issuer: user, purposes: [TIME_STAMPING] });
    assert.equal((await verify({ signer: byUser, others: [user] })).holds, false);
    const below = await issue({ name: 'Below', isAuthority: true, issuer });
    const byBelow = await issue({ name: 'By below', issuer: below, purposes: [TIME_STAMPING] });
    const past = await verify({ signer: byBelow, others: [below, issuer] });
    assert.match(past.reason ?? '', /more issuers than one of them allows below it/);
    // Each has signed the other.
    const one = await issue({ name: 'One', isAuthority: true });
    const two = await issue({ name: 'Two', isAuthority: true, issuer: one });
    const again = await issue({ name: 'One', isAuthority: true, issuer: two, keys: one.keys });
    const inCircle = await issue({ name: 'In a circle', issuer: again, purposes: [TIME_STAMPING] });
    assert.equal((await verify({ signer: inCircle, others: [two, again] })).holds, false);
    assert.equal((await verify({ signer, others: [] })).holds, false);
  });
});

describe('an authority is asked for a token', () => {
  const text = new TextEncoder().encode('a head');
  let authority: Awaited<ReturnType<typeof makeAuthority>>;
  let server: AuthorityServer;
  let answer: (query: Parameters<typeof answerQuery>[0]) => Promise<Answer>;
  before(async () => {
    authority = await makeAuthority();
    server = await serveAuthority((query) => answer(query));
  });
  after(() => server.stop());
  const stamp = () => ({ signer: authority.signer, others: [authority.issuer] });
  const ask = (timeoutMs?: number) => requestToken(server.url, text, undefined, timeoutMs);

  it('and its answer is kept byte for byte', async () => {
    answer = async (query) => {
      assert.equal(query.certReq, true);
      return { body: await answerQuery(query, stamp()) };
    };
    const { token: made, finding } = await ask();
    assert.equal(finding.holds, null);
    assert.equal((await verifyToken(made, text, parseRoots(pemOf(authority.root)))).holds, true);
  });

  it('and what else it answers is told by whose turn it is, bounded in bytes and time', async () => {
    const cases: [string, typeof answer, typeof AnswerError | typeof StoreUnavailableError, RegExp][] = [
      [
        'a refusal',
        async () => ({ body: encodeAnswer(2, null) }),
        AnswerError,
        /refused to issue a time-stamp \(status 2\)/,
      ],
      [
        'a page',
        async () => ({ body: new TextEncoder().encode('<html>') }),
        AnswerError,
        /did not return a time-stamp/,
      ],
      ['nothing', async () => ({}), AnswerError, /did not return a time-stamp/],
      ['not found', async () => ({ status: 404 }), AnswerError, /HTTP 404/],
      ['another place', async () => ({ status: 302, location: 'http://127.0.0.1:1/' }), AnswerError, /HTTP 302/],
      ['trouble', async () => ({ status: 503 }), StoreUnavailableError, /HTTP 503.*Try again later/],
      ['too much', async () => ({ body: new Uint8Array(80_000) }), StoreUnavailableError, /more than the 69632 bytes/],
      [
        'a token of another hash',
        async () => ({ body: encodeAnswer(0, await makeToken(new Uint8Array(32), stamp())) }),
        AnswerError,
        /returned an invalid time-stamp.*its imprint differs/,
      ],
      [
        'an earlier answer',
        async (query) => ({
          body: encodeAnswer(
            0,
            await makeToken(query.messageImprint.hashedMessage.valueBlock.valueHexView, {
              ...stamp(),
              nonce: new asn1js.Integer({ value: 5 }),
            }),
          ),
        }),
        AnswerError,
        /its nonce differs/,
      ],
    ];
    for (const [what, answers, Kind, says] of cases) {
      answer = answers;
      await assert.rejects(ask(), (error) => error instanceof Kind && says.test(error.shortMessage), what);
    }
    answer = async () => null;
    await assert.rejects(
      ask(50),
      (error) => error instanceof StoreUnavailableError && /within 50 ms/.test(error.message),
    );
    await assert.rejects(requestToken('http://127.0.0.1:1/', text), StoreUnavailableError);
    await assert.rejects(requestToken('ftp://a.example', text), ArgumentError);
    await assert.rejects(
      requestToken('https://me:secret@a.example', text),
      (error) => error instanceof ArgumentError && !error.message.includes('secret'),
    );
  });

  it('and evidence with it says the time, and whether it counts', async () => {
    answer = async (query) => ({ body: await answerQuery(query, stamp()) });
    const made = parseEvidence(await exampleEvidence());
    const { token: own } = await requestToken(server.url, timestampMessage(primitives, made.head));
    const say = async (timestamp: Uint8Array, trusted: Issued | null) => {
      const evidence = parseEvidence(encodeEvidence({ ...made, timestamp }));
      const held = verifyEvidence(primitives, evidence, { dissc: DISSC_ADDRESS });
      const checked = await checkTimestamp(
        primitives,
        evidence,
        held,
        trusted === null ? null : parseRoots(pemOf(trusted)),
      );
      const report = reportEvidence(evidence, checked.finding, [], null, checked.timestamp);
      return { report, steps: checked.finding.steps, text: sayEvidence(report) };
    };
    const unknown = await say(own, null);
    assert.equal(unknown.report.verdict, 'intact');
    assert.match(
      unknown.text,
      /in the name of CN=Test time says that the log had this head on 2026-11-30T12:00:00\.000Z\. Whether .* was not checked/,
    );
    const known = await say(own, authority.root);
    assert.deepEqual([known.report.verdict, known.report.timestamp?.holds], ['intact', true]);
    assert.match(
      known.text,
      /CN=Test time time-stamped the head of this log on .* leads to CN=Test root, which you trust\. Nobody was asked whether it has been revoked\./,
    );
    assert.equal(known.report.timestamp?.revocation, 'not asked');
    assert.equal(known.steps.at(-1)?.step, 'timestamp');
    const other = await say(own, (await makeAuthority()).root);
    assert.deepEqual([other.report.verdict, other.report.timestamp?.holds], ['unconfirmed', false]);
    assert.match(other.text, /is consistent, but its time-stamp does not count\./);
    // A token of another head, right in itself.
    const foreign = await say(await makeToken(new Uint8Array(32), stamp()), authority.root);
    assert.equal(foreign.report.verdict, 'unproven');
    assert.deepEqual([foreign.report.timestamp?.holds, foreign.report.timestamp?.at], [false, null]);
    assert.match(foreign.text, /proves nothing\. The time-stamp is for a different head/);
    const evidence = parseEvidence(encodeEvidence({ ...made, timestamp: own }));
    const unread = sayEvidence(
      reportEvidence(evidence, verifyEvidence(primitives, evidence, { dissc: DISSC_ADDRESS }), [], null),
    );
    assert.match(unread, /contains a time-stamp, which this program cannot read/);
  });
});
