import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import type { Bench } from './bench.ts';
import { sendWire, signCommand } from './signed-request.ts';

export function refuseClimbing(bench: Bench): void {
  describe('keys that climb', () => {
    const paths = [
      '../escaped',
      '../../../escaped',
      'a/../../../../escaped',
      '..%2F..%2F..%2Fescaped',
      '%2e%2e/%2e%2e/%2E%2E/escaped',
      '.%2e/%2e./escaped',
      '%2Fescaped-absolute',
      '/escaped-absolute',
      '..%5C..%5Cescaped',
      'escaped%00.car',
      '%c0%ae%c0%ae/escaped',
    ];
    for (const path of paths) {
      it(`keeps ${path} inside, or refuses it`, async () => {
        // Signed for the decoded key, as an attacker with a key would, and sent as written here.
        const decoded = Buffer.from(
          path.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
          'latin1',
        );
        const wire = await signCommand(bench.store, bench.putCommand(decoded.toString()));
        const answer = await sendWire(bench.store, {
          ...wire,
          target: `/${bench.store.bucket}/${path}${wire.target.slice(wire.target.indexOf('?'))}`,
        });
        const crashed = path.includes('%00') && !bench.behaviour.explainsNul ? 500 : undefined;
        assert.ok(answer.status < 500 || answer.status === 501 || answer.status === crashed, `${answer.status}`);
        const around = dirname(dirname(bench.store.dataDir));
        const written = (await readdir(around, { recursive: true })).filter((name) => name.includes('escaped'));
        assert.deepEqual(
          written.filter((name) => !name.includes(`/${bench.store.bucket}/`)),
          [],
        );
        await bench.client.send(new HeadBucketCommand({ Bucket: bench.store.bucket }));
      });
    }
    it(`${bench.behaviour.keepsEmptySegments ? 'keeps' : 'does not keep'} a//b apart from a/b`, async () => {
      const folder = bench.newKey();
      await bench.put(`${folder}/a/b`, { Body: 'one' });
      await bench.put(`${folder}/a//b`, { Body: 'two' }).catch(() => undefined);
      assert.equal((await bench.read(`${folder}/a/b`)).toString() === 'one', bench.behaviour.keepsEmptySegments);
    });
  });
}
