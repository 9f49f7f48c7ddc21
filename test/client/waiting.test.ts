import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { authoriseCss } from '../../client/sale/authorise-css.ts';
import type { Grant, GrantParty, GrantState, Grants } from '../../core/ports/grants.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import { sealLog } from '../core/honest-storage.ts';
import { MemorySale, memoryStore } from '../protocols/memory-sale.ts';

/* Whoever waits, waits by the clock that is given: minutes pass here in no time. */

const MINUTE_MS = 60_000;

/** A clock that only sleeping moves. */
function simulatedClock(): Runtime & { readonly sleptMs: readonly number[] } {
  const sleptMs: number[] = [];
  let nowMs = 0;
  return {
    ...nodeRuntime,
    sleptMs,
    monotonicMs: () => nowMs,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      sleptMs.push(ms);
      nowMs += ms;
    },
  };
}

describe('a consumer who waits for keys', () => {
  it('asks the mailbox at every poll until the patience is over, and comes back without them', async () => {
    const sale = await MemorySale.open(nodePrimitives, sealLog(nodePrimitives, [[40]]));
    sale.show = () => [];
    const clock = simulatedClock();
    const { channel } = sale.channel(memoryStore(sale.purchase.id), MINUTE_MS, clock);
    assert.deepEqual(await channel.receive([0]), { payloads: [], refusals: [] });
    assert.equal(clock.monotonicMs(), MINUTE_MS);
    assert.equal(new Set(clock.sleptMs).size, 1, 'each poll is as long as the others');
  });
});

describe('an owner who waits for the storage to accept a grant', () => {
  const waiting = (states: readonly GrantState[]) => {
    const clock = simulatedClock();
    let looks = 0;
    const grant = () =>
      ({ id: '0x01', state: states[Math.min(looks++, states.length - 1)], fuelWei: 0n }) as unknown as Grant;
    const point = { blockNumber: 1, blockHash: '0x', timestampMs: 0 };
    const grants = {
      readGrants: async (ids: readonly unknown[]) => ({ point, grants: ids.map(grant) }),
      findProposed: async () => [],
    } as unknown as Grants;
    const funded: bigint[] = [];
    const party = {
      authorise: async () => ({ grant: '0x01', transaction: { txHash: '0x02' } }),
      fund: async (_: unknown, wei: bigint) => funded.push(wei),
    } as unknown as GrantParty;
    const run = (signal?: AbortSignal) =>
      authoriseCss(
        { grants, party, fromBlock: 0, runtime: clock },
        {} as never,
        {} as never,
        { fuelWei: 5n, waitMs: MINUTE_MS },
        signal,
      );
    return { clock, funded, run };
  };

  it('brings the fuel once it is accepted', async () => {
    const { clock, funded, run } = waiting(['proposed', 'proposed', 'accepted']);
    assert.equal((await run()).fundedWei, 5n);
    assert.deepEqual([clock.sleptMs.length, funded], [2, [5n]]);
  });

  it('says how it stands when the time is over, and brings nothing', async () => {
    const { clock, funded, run } = waiting(['proposed']);
    assert.equal((await run()).grant.state, 'proposed');
    assert.deepEqual([clock.monotonicMs(), funded], [MINUTE_MS, []]);
  });

  it('ends when it is aborted', async () => {
    const { run } = waiting(['proposed']);
    await assert.rejects(run(AbortSignal.abort(new Error('enough'))), /enough/);
  });
});
