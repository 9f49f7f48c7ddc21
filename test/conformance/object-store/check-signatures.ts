import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { assertRefused, type Bench, BODY, flipBit, sha256, withHeaders } from './bench.ts';
import { sendWire, signCommand, type WireRequest } from './signed-request.ts';

export function checkSignatures(bench: Bench): void {
  describe('signatures in the header', () => {
    const alterAuthorization = (from: RegExp, to: string) => (wire: WireRequest) => {
      const authorization = wire.headers.authorization!.replace(from, to);
      assert.notEqual(authorization, wire.headers.authorization);
      return { ...wire, headers: { ...wire.headers, authorization } };
    };
    it('refuses a request without one', () =>
      bench.refusesAltered(
        (wire) => {
          const { authorization: _, ...headers } = wire.headers;
          return { ...wire, headers };
        },
        [400, 401, 403],
      ));
    it('refuses an altered one', () =>
      bench.refusesAltered(
        (wire) => alterAuthorization(/.$/, wire.headers.authorization!.endsWith('0') ? '1' : '0')(wire),
        [403],
      ));
    it('refuses another secret key', () =>
      bench.refusesAltered((wire) => wire, [403], {
        options: { client: { credentials: { accessKeyId: bench.store.accessKey, secretAccessKey: 'another' } } },
      }));
    it('refuses an unknown access key', () =>
      bench.refusesAltered((wire) => wire, [403, 404], {
        options: { client: { credentials: { accessKeyId: 'another', secretAccessKey: bench.store.secretKey } } },
      }));
    it('refuses a signature for another method', async () => {
      const key = bench.newKey();
      await bench.put(key);
      const wire = await signCommand(bench.store, new GetObjectCommand({ Bucket: bench.store.bucket, Key: key }));
      assertRefused(await sendWire(bench.store, { ...wire, method: 'DELETE' }), [403]);
      assert.deepEqual(await bench.read(key), BODY);
    });
    it('refuses a signature for another key or query', async () => {
      await bench.refusesAltered((wire) => ({ ...wire, target: wire.target.replace('/case/', '/cast/') }), [403]);
      await bench.refusesAltered((wire) => ({ ...wire, target: `${wire.target}&prefix=x` }), [403]);
    });
    it('refuses a clock 20 minutes behind or ahead', async () => {
      for (const systemClockOffset of [-20 * 60_000, 20 * 60_000]) {
        await bench.refusesAltered((wire) => wire, [403], { options: { client: { systemClockOffset } } });
      }
    });
    it('refuses the credential of another region', () =>
      bench.refusesAltered((wire) => wire, [400, 403], { options: { client: { region: 'eu-central-1' } } }));
    it('refuses an x-amz header that is not signed', () =>
      bench.refusesAltered(withHeaders({ 'x-amz-meta-note': 'unsigned' }), [400, 403]));
    it('refuses an altered signed header', () =>
      bench.refusesAltered(withHeaders({ 'x-amz-meta-note': 'altered' }), [403], {
        more: { Metadata: { note: 'signed' } },
      }));

    it('holds a body to its signed checksum when the payload is unsigned', async () => {
      const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
      const more = { ChecksumSHA256: sha256(BODY) };
      await bench.refusesAltered((wire) => ({ ...wire, body: flipBit(wire.body) }), [400], {
        more,
        options: { headers },
      });
      const key = bench.newKey();
      const answer = await sendWire(
        bench.store,
        await signCommand(bench.store, bench.putCommand(key, more), { headers }),
      );
      assert.equal(answer.status, 200);
    });

    it(`${bench.behaviour.refusesUnsignedPayload ? 'refuses' : 'takes'} an unsigned payload without a checksum`, async () => {
      const key = bench.newKey();
      const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
      const answer = await sendWire(bench.store, await signCommand(bench.store, bench.putCommand(key), { headers }));
      assert.equal(answer.status, bench.behaviour.refusesUnsignedPayload ? 400 : 200);
      if (bench.behaviour.refusesUnsignedPayload) await bench.assertAbsent(key);
    });
  });
}
