import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from './bench.ts';

export function surviveKill(bench: Bench): void {
  it('keeps every acknowledged PUT whole, and no half of another, through kill -9', async () => {
    const acknowledged = new Map<string, Buffer>();
    const attempted = new Map<string, Buffer[]>();
    for (let round = 0; round < 4; round++) {
      const dying = Promise.withResolvers<void>();
      let count = 0;
      const killAfter = 5 + round * 9;
      let stopped = false;
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (let at = 0; !stopped; at++) {
          const key = `crash/${writer}/${at % 6}`;
          const body = randomBytes(50_000 + 1000 * at);
          attempted.set(key, [...(attempted.get(key) ?? []), body]);
          try {
            await bench.put(key, { Body: body });
            acknowledged.set(key, body);
            attempted.set(key, [body]);
          } catch {
            return;
          }
          if (++count === killAfter) dying.resolve();
        }
      });
      await dying.promise;
      await delay(Math.random() * 15); // Any instant of a PUT will do.
      await bench.crash();
      stopped = true;
      await Promise.all(writers);
      for (const [key, bodies] of attempted) {
        const found = await bench.read(key).catch((error) => {
          assert.equal(error.name, 'NoSuchKey');
          return null;
        });
        if (found === null) assert.ok(!acknowledged.has(key), `${key} was acknowledged and is gone`);
        else {
          assert.ok(
            bodies.some((body) => body.equals(found)),
            `${key} holds what nobody put whole after the last acknowledgement`,
          );
          attempted.set(key, [found]);
        }
      }
    }
    assert.ok(acknowledged.size > 0);
  });
}
