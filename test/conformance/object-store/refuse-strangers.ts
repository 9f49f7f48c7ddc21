import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { assertRefused, type Bench, withHeaders } from './bench.ts';
import { sendWire, signCommand } from './signed-request.ts';

export function refuseStrangers(bench: Bench): void {
  describe('who may ask', () => {
    it('refuses a signed request replayed under a foreign Host', () =>
      bench.refusesAltered(withHeaders({ host: 'attacker.example' }), [400, 403]));

    it(`${bench.behaviour.refusesForeignHost ? 'refuses' : 'takes'} a foreign Host that was signed`, async () => {
      const key = bench.newKey();
      const wire = await signCommand(bench.store, bench.putCommand(key), {
        client: { endpoint: 'http://rebound.example:80' },
      });
      assert.equal(wire.headers.host, 'rebound.example');
      assert.equal((await sendWire(bench.store, wire)).status, bench.behaviour.refusesForeignHost ? 403 : 200);
      if (bench.behaviour.refusesForeignHost) await bench.assertAbsent(key);
    });

    it(`${bench.behaviour.refusesForeignOrigin ? 'refuses' : 'takes'} a signed request of a foreign Origin, and lets no page read the answer`, async () => {
      const key = bench.newKey();
      await bench.put(key);
      const wire = await signCommand(bench.store, new GetObjectCommand({ Bucket: bench.store.bucket, Key: key }));
      for (const origin of ['https://attacker.example', 'null']) {
        const answer = await sendWire(bench.store, withHeaders({ origin })(wire));
        assert.equal(answer.status, bench.behaviour.refusesForeignOrigin ? 403 : 200);
        assert.equal(answer.headers['access-control-allow-origin'], undefined);
      }
      const preflight = await sendWire(bench.store, {
        method: 'OPTIONS',
        target: wire.target,
        headers: {
          host: wire.headers.host!,
          origin: 'https://attacker.example',
          'access-control-request-method': 'PUT',
        },
        body: Buffer.alloc(0),
      });
      assertRefused(preflight, [400, 403, 404, 405, 501]);
      assert.equal(preflight.headers['access-control-allow-origin'], undefined);
    });
  });
}
