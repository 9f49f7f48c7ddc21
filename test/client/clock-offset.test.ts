import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRequestVerifier } from '../../adapters/http-signature/verify-request.ts';
import { signMessage } from '../../adapters/keys/mnemonic.ts';
import type { Transport } from '../../adapters/service/transport.ts';
import { createServiceCaller } from '../../client/service/call-service.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { randomKey } from '../adapters/ocasc-fixture.ts';

/* The machine's clock jumps, before and after the service has said its own time. Signing and verifying are real. */

const RIGHT = Date.UTC(2026, 10, 30);
const HOUR = 3_600_000;
const DATASET = `0x${'22'.repeat(32)}`;

/** A machine whose clock is wrong by `errorMs`, and a service whose clock is right. */
function setUp() {
  const world = { monotonicMs: 0, errorMs: 0 };
  const serverNow = () => RIGHT + world.monotonicMs;
  const nonces = new Set<string>();
  const verifier = createRequestVerifier(
    { nonces: { burn: async (key) => !nonces.has(key) && nonces.add(key) !== null }, nowMs: serverNow },
    {
      ...{ allowedAuthorities: ['storage.example'], chainId: 7 },
      ...{ maxValiditySec: 60, clockSkewSec: 30, maxBodyBytes: 1000 },
    },
  );
  const reasons: string[] = [];
  const transport: Transport = async (_, request) => {
    const verified = await verifier.verify(request);
    reasons.push(verified.ok ? 'ok' : verified.reason);
    const isClock = !verified.ok && ['expired', 'not-yet-valid'].includes(verified.reason);
    const type = `/problems/${isClock ? 'clock' : 'signature'}`;
    const problem = { type, title: 'refused', status: 401, ...(isClock ? { serverTimeMs: serverNow() } : {}) };
    const headers = { 'content-type': 'application/json' };
    return {
      status: verified.ok ? 200 : 401,
      headers,
      body: new TextEncoder().encode(JSON.stringify(verified.ok ? {} : problem)),
    };
  };
  const key = randomKey();
  const caller = createServiceCaller({
    ...{ apiUrl: 'https://storage.example', chainId: 7, transport },
    account: { address: accountOfKey(key), signMessage: (message) => signMessage(key, message) },
    runtime: {
      nowMs: () => RIGHT + world.monotonicMs + world.errorMs,
      monotonicMs: () => world.monotonicMs,
      timeout: (ms) => AbortSignal.timeout(ms),
    },
  });
  /** What the service answered, one attempt after another. */
  const ask = async (): Promise<string[]> => {
    reasons.length = 0;
    await caller.call('get-segment', { dataset: DATASET, first: 0 }).catch(() => {});
    world.monotonicMs += 1000;
    return [...reasons];
  };
  return { world, ask };
}

describe('an offset that was learned', () => {
  test('lasts as long as the clock goes on evenly', async () => {
    const { world, ask } = setUp();
    world.errorMs = -HOUR;
    assert.deepEqual(await ask(), ['expired', 'ok']);
    assert.deepEqual(await ask(), ['ok']);
    world.monotonicMs += 24 * HOUR;
    assert.deepEqual(await ask(), ['ok']);
  });

  test('goes when the clock is set: no request is refused for it', async () => {
    const { world, ask } = setUp();
    world.errorMs = Date.UTC(2099, 0, 1) - RIGHT;
    assert.deepEqual(await ask(), ['not-yet-valid', 'ok']);
    world.errorMs = 0;
    assert.deepEqual(await ask(), ['ok']);
    assert.deepEqual(await ask(), ['ok']);
  });

  test('is learned anew after another jump, and after a slow one that nothing shows', async () => {
    const { world, ask } = setUp();
    world.errorMs = 10 * HOUR;
    assert.deepEqual(await ask(), ['not-yet-valid', 'ok']);
    world.errorMs = -10 * HOUR;
    assert.deepEqual(await ask(), ['expired', 'ok']);
    // The clock is set while the machine sleeps, and both of its clocks with it.
    world.errorMs += 5 * HOUR;
    world.monotonicMs += 5 * HOUR;
    assert.equal((await ask()).at(-1), 'ok');
  });
});
