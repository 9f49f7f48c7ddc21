import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { anchorFromWire } from '../../client/service/anchor-from-wire.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { equalBytes, to0x, toHex } from '../../core/bytes.ts';
import { charterKey, encodeCharter } from '../../core/charter/charter-file.ts';
import { ProofError } from '../../core/errors.ts';
import type { Address, MapRoot, RoundRoot } from '../../core/ids.ts';
import { requireBoundedGrowth } from '../../core/log/growth.ts';
import type { ServiceRound } from '../../core/ports/service.ts';
import { proveInMap } from '../../core/rounds/prove-in-map.ts';
import { verifyRoundHead } from '../../core/rounds/round-head.ts';
import { headInRound } from '../../core/rounds/verify-round.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { getAnchorResponse } from '../../core/wire/requests.ts';
import { followCharters } from '../../functions/anchor/follow-charters.ts';
import { restAfter } from '../../functions/anchor/rest.ts';
import { type Anchored, handlerFor } from '../../functions/anchor.ts';
import { Problem } from '../../functions/answer/problem.ts';
import { getAnchor } from '../../functions/get-anchor.ts';
import { checkInCharter } from '../../functions/ingest/check-in-charter.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { listBatches } from '../../functions/list-batches.ts';
import { rebuildService } from '../../functions/rebuild/rebuild-service.ts';
import { createWriterFinder } from '../../functions/rights/admit-writer.ts';
import { type RoundsOnChain, readNewestFinal } from '../../functions/rounds/follow-rounds.ts';
import { type ChainRound, pagePk, roundsPk } from '../../functions/rounds/round-items.ts';
import { RoundMemory } from '../../functions/rounds/round-memory.ts';
import { readTablePages } from '../../functions/rounds/table-pages.ts';
import { readCharters } from '../../functions/state/dataset-entry.ts';
import { CHARTERED_PK, charterSk, datasetPk } from '../../functions/state/entries.ts';
import { markWork } from '../../functions/state/work-marks.ts';
import { Death, dyingPorts } from './dying-ports.ts';
import { createLogFixture, type LogFixture, seal, type TestDataset, type TestService } from './log-fixture.ts';
import { countTable } from './many-heads.ts';
import { readWork } from './read-work.ts';

describe('rounds of the anchor', () => {
  let fixture: LogFixture;
  before(async () => {
    fixture = await createLogFixture();
  });
  after(() => fixture.stop());

  const inRounds = (service: TestService) => fixture.openDataset({ anchorer: service.recorder.account });
  const work = (service: TestService) => readWork(service.table);
  const finalRound = (service: TestService) => readNewestFinal(service.ports, service.recorder.account);
  /** Until its round is final and noted. */
  const settle = async (service: TestService): Promise<ChainRound> => {
    await fixture.mine(3);
    await service.anchor();
    return (await finalRound(service)) as ChainRound;
  };
  /** What the chain's newest round says of a dataset, by what the service keeps. */
  const headIn = async (service: TestService, round: ChainRound, dataset: TestDataset) => {
    const { round: root } = await service.ports.rounds.readRound(service.recorder.account, 'final');
    assert.ok(root !== null && round.map !== null && equalBytes(root, round.root));
    const proof = await proveInMap(nodePrimitives, readTablePages(service.table), round.map, dataset.id);
    const { number, timeSeconds, previous, historyRoot: history } = round;
    return headInRound(nodePrimitives, root, dataset.id, { number, timeSeconds, previous, history, proof });
  };

  it('puts the newest heads of all datasets into one round, by one transaction, and nothing more when run again', async () => {
    const service = await fixture.service();
    const datasets = Array.from({ length: 20 }, () => inRounds(service));
    for (const dataset of datasets) await service.fill(dataset, 2);
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 1 });
    assert.deepEqual(await work(service), [], 'the heads are in the map');
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 0 });
    const round = await settle(service);
    assert.equal(round.number, 1);
    for (const dataset of datasets) {
      assert.equal((await headIn(service, round, dataset))?.size, dataset.end.size);
      await fixture.assertEmpty(dataset);
    }
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 0 });
    assert.equal(await headIn(service, round, fixture.openDataset()), null);
  });

  it('shows what a final round holds as anchored, and reads little to show it', async () => {
    const service = await fixture.service();
    const datasets = Array.from({ length: 40 }, () => inRounds(service));
    for (const dataset of datasets) await service.fill(dataset, 1);
    await service.anchor();
    const [dataset] = datasets as [TestDataset];
    const list = async (anchorer: Address | null = service.recorder.account) => {
      const { batches, round } = await listBatches(service.ports, { dataset: dataset.id, anchorer, by: 'block' });
      return { states: batches.map(({ state }) => state), round };
    };
    assert.deepEqual(await list(), { states: ['received'], round: null }, 'not final');
    const { root } = await settle(service);
    await service.store(seal(dataset));
    const round = { number: 1, root: to0x(root) };
    assert.deepEqual(await list(), { states: ['anchored', 'received'], round });
    assert.deepEqual(await list(null), { states: ['received', 'received'], round: null });

    const { table, counts } = countTable(service.table);
    const memory = new RoundMemory();
    const { signal } = new AbortController();
    for (const { id } of datasets) {
      const shown = await getAnchor({ ...service.ports, table }, { dataset: id, round: to0x(root) }, signal, memory);
      assert.equal(shown.round?.head?.size, 3);
    }
    // Charter and log of each; the round (2) and each page of its map once, of which 40 heads have some 20.
    assert.ok(counts.reads <= 2 * datasets.length + 2 + 30, `${counts.reads} reads`);
    const { map } = (await finalRound(service)) as ChainRound;
    await service.table.delete(pagePk(map as MapRoot), toHex(map as MapRoot), 'any');
    assert.deepEqual((await list()).states, ['received', 'received'], 'nobody can prove it now');
  });

  it('lets the next round hold the one before it, and the heads that have not moved', async () => {
    const service = await fixture.service();
    const [still, moving] = [inRounds(service), inRounds(service)];
    await service.fill(still, 1);
    await service.fill(moving, 1);
    await service.anchor();
    const first = await settle(service);
    await service.fill(moving, 2);
    assert.equal((await service.anchor()).transactions, 1);
    const second = await settle(service);
    assert.equal(second.number, 2);
    assert.deepEqual(second.previous, first.root);
    assert.equal((await headIn(service, second, still))?.size, still.end.size);
    assert.equal((await headIn(service, second, moving))?.size, moving.end.size);
  });

  for (const moment of ['before', 'after'] as const) {
    it(`sends every round once and loses no head, whichever call it dies ${moment}`, async () => {
      const service = await fixture.service();
      const dataset = inRounds(service);
      await service.fill(dataset, 1);
      const counting = dyingPorts(service.ports, Number.POSITIVE_INFINITY, 'before');
      await service.anchor(counting.ports);
      assert.ok(counting.calls() > 20, `${counting.calls()} calls are too few to be all`);
      await settle(service);
      for (let at = 0; at < counting.calls(); at++) {
        await service.fill(dataset, 1);
        const dies = service.anchor(dyingPorts(service.ports, at, moment).ports);
        await dies.catch((error: unknown) => assert.ok(error instanceof Death, String(error)));
        await service.anchor();
        const round = await settle(service);
        assert.equal((await headIn(service, round, dataset))?.size, dataset.end.size, `killed at call ${at}`);
        assert.equal(round.number, at + 2, `killed at call ${at}`);
        assert.deepEqual(await work(service), [], `killed at call ${at}`);
      }
    });
  }

  it('lets of two runs at once one send the round', async () => {
    const service = await fixture.service();
    const datasets = [inRounds(service), inRounds(service), inRounds(service)];
    for (let i = 0; i < 3; i++) {
      for (const dataset of datasets) await service.fill(dataset, 1);
      await Promise.all([service.anchor(), service.anchor(), service.anchor()]);
      const round = await settle(service);
      for (const dataset of datasets) assert.equal((await headIn(service, round, dataset))?.size, dataset.end.size);
      assert.equal(round.number, i + 1);
    }
  });

  it('goes on when a reorganisation takes rounds back: their heads are in those that follow', async () => {
    const service = await fixture.service();
    const dataset = inRounds(service);
    await service.fill(dataset, 1);
    await service.anchor();
    await settle(service);
    for (let depth = 1; depth <= 2; depth++) {
      for (let i = 0; i < depth; i++) {
        await service.fill(dataset, 1);
        await service.anchor();
        await fixture.mine();
      }
      // Without their transactions, as when a rival chain wins.
      await fixture.rpc.call('anvil_reorg', [depth, []]);
      service.passTime(1_000_000);
      for (let run = 0; run < 4; run++) {
        await service.anchor();
        await fixture.mine();
      }
      const round = await settle(service);
      assert.equal((await headIn(service, round, dataset))?.size, dataset.end.size, `depth ${depth}`);
    }
  });

  it('sends no round faster than asked, and says how long it has waited', async () => {
    const service = await fixture.service();
    const dataset = inRounds(service);
    const settings = () => ({ ...service.ports.settings(), roundEveryMs: 600_000 });
    const run = () => service.anchor({ settings });
    // The chain's clock is the wall's; so is this one, here.
    const { point } = await service.ports.rounds.readRound(service.recorder.account, 'latest');
    service.passTime(point.timestampMs - service.ports.runtime.nowMs());
    await service.fill(dataset, 1);
    assert.equal((await run()).transactions, 1);
    await settle(service);
    await service.fill(dataset, 1);
    assert.equal((await run()).transactions, 0);
    service.passTime(590_000);
    assert.equal((await run()).transactions, 0);
    assert.ok((service.counts.get('Anchor.roundLagSeconds') ?? 0) >= 500);
    service.passTime(120_000);
    assert.equal((await run()).transactions, 1);
  });

  it('makes no run that could do nothing: heads wait for their round, what is to be looked at does not', async () => {
    const service = await fixture.service();
    const dataset = inRounds(service);
    const settings = () => ({ ...service.ports.settings(), roundEveryMs: 60_000 });
    let runs = 0;
    const { recorder } = service.ports;
    const nonces = (...given: Parameters<typeof recorder.nonces>) => {
      runs++;
      return recorder.nonces(...given);
    };
    const handler = handlerFor({ ...service.ports, settings, recorder: { ...recorder, nonces } });
    const wake = async (...reasons: string[]) => {
      const Records = reasons.map((reason) => ({ messageId: reason, body: JSON.stringify({ reason }) }));
      return (await handler({ Records } as never, {} as never)) as Anchored;
    };
    const { point } = await service.ports.rounds.readRound(service.recorder.account, 'latest');
    service.passTime(point.timestampMs - service.ports.runtime.nowMs());
    await service.fill(dataset, 1);
    assert.deepEqual(await wake('head'), { outcome: 'done', transactions: 1 });
    await fixture.mine(3);
    await service.fill(dataset, 1);
    for (const reasons of [['head'], ['time', 'head'], ['time']]) {
      assert.deepEqual(await wake(...reasons), { outcome: 'resting', transactions: 0 });
    }
    assert.equal(runs, 1);
    assert.equal((await wake('head', 'look')).outcome, 'done');
    assert.equal(((await handler({} as never, {} as never)) as Anchored).outcome, 'done', 'called by hand');
    assert.equal(runs, 3);
    service.passTime(50_000);
    assert.equal((await wake('time')).outcome, 'done', 'each minute’s is a whole one');
    assert.equal((await wake('head')).outcome, 'resting');
    service.passTime(30_000);
    assert.deepEqual(await wake('head'), { outcome: 'done', transactions: 1 }, 'the next round is due');
    await settle(service);
  });

  it('rests until a round can be due, never for long, and not while anything else is to be followed', () => {
    const rounds = (seconds: number | null) =>
      ({ newest: seconds === null ? null : { timeSeconds: seconds } }) as unknown as RoundsOnChain;
    const left = { rounds: rounds(1_000), isAnchoring: false, waiting: 0, roundEveryMs: 60_000 };
    const rests: readonly [object, number, number][] = [
      [{}, 1_005_000, 50_000],
      [{}, 1_030_000, 30_000],
      [{}, 1_060_000, 0],
      [{}, 2_000_000, 0],
      [{ rounds: rounds(null) }, 1_000_000, 0],
      [{ rounds: null }, 1_000_000, 0],
      [{ isAnchoring: true, waiting: 1 }, 2_000_000, 50_000],
      [{ isAnchoring: true, waiting: 2 }, 2_000_000, 10_000],
      [{ waiting: 1 }, 1_005_000, 10_000],
      [{ roundEveryMs: 0, isAnchoring: true, waiting: 1 }, 1_000_000, 0],
    ];
    for (const [given, nowMs, restMs] of rests) {
      assert.equal(restAfter({ ...left, ...given }, nowMs), restMs, JSON.stringify({ ...given, nowMs }));
    }
  });

  it('sends what former runs have found before it looks for more, so that runs which are always cut off send rounds too', async () => {
    const service = await fixture.service();
    const dataset = inRounds(service);
    /** A run whose time is up when it calls this. */
    const cutAt = (port: 'ledger' | 'roundRecorder', method: string) => {
      let end = (): void => undefined;
      const after = (_: number, run: () => void) => {
        end = run;
        return { stop: () => undefined };
      };
      const runtime = { ...service.ports.runtime, after };
      const cut = async (): Promise<never> => {
        end();
        throw new Error('aborted');
      };
      return service.anchor({ runtime, [port]: { ...service.ports[port], [method]: cut } });
    };
    await service.fill(dataset, 1);
    assert.deepEqual(await cutAt('roundRecorder', 'simulateRound'), { outcome: 'stopped', transactions: 0 });
    await service.fill(dataset, 1);
    assert.deepEqual(await cutAt('ledger', 'readHeads'), { outcome: 'stopped', transactions: 1 });
    assert.equal(service.counts.get('Anchor.stopped'), 2, 'and somebody is told');
    assert.deepEqual(await work(service), [dataset.id], 'the rest waits for the next run');
    const round = await settle(service);
    assert.equal((await headIn(service, round, dataset))?.size, 3);
  });

  it('sends none when the table has forgotten what the last one was made of: heads could go back', async () => {
    const service = await fixture.service();
    const dataset = inRounds(service);
    await service.fill(dataset, 1);
    await service.anchor();
    await settle(service);
    const pk = roundsPk(service.recorder.account);
    const { items } = await service.table.query(pk, { from: '0', to: 'z', limit: 100 });
    for (const { sk } of items) await service.table.delete(pk, sk, 'any');
    await service.fill(dataset, 1);
    assert.equal((await service.anchor()).transactions, 0);
    assert.equal(service.counts.get('Anchor.mapLost'), 1);
    assert.ok(service.noted.some(({ fields }) => fields.remedy === 'plumb service rebuild'));

    // The command makes it again, from the logs; the next round follows on the one that is not known.
    service.stored.set(charterKey(dataset.id, dataset.first.serial), encodeCharter(dataset.first));
    const settings = () => ({ ...service.ports.settings(), cssAccount: service.recorder.account });
    const rebuilt = await rebuildService({ ...service.ports, settings }, () => undefined);
    assert.deepEqual([rebuilt.anchored, rebuilt.failures], [1, []]);
    assert.equal((await service.anchor()).transactions, 1);
    const round = await settle(service);
    assert.equal(round.number, 2);
    assert.equal((await headIn(service, round, dataset))?.size, dataset.end.size);
  });

  it('lets each of several anchorers take its own datasets, and one that has gone to another keep its last head', async () => {
    const [one, other] = [await fixture.service(), await fixture.service()];
    const [mine, theirs] = [inRounds(one), inRounds(other)];
    for (const service of [one, other]) {
      for (const dataset of [mine, theirs]) await service.show(dataset);
    }
    const batches = [mine, theirs].map((dataset) => ({ dataset, batch: seal(dataset) }));
    for (const service of [one, other]) {
      for (const { batch } of batches) await service.store(batch);
      await service.anchor();
    }
    const rounds = [await settle(one), await settle(other)] as const;
    assert.equal((await headIn(one, rounds[0], mine))?.size, 3);
    assert.equal(await headIn(one, rounds[0], theirs), null);
    assert.equal((await headIn(other, rounds[1], theirs))?.size, 3);
    assert.equal(await headIn(other, rounds[1], mine), null);
    for (const service of [one, other]) {
      assert.deepEqual(await work(service), []);
      assert.equal(service.counts.get('Anchor.elsewhere'), 1, 'and the operator is told');
    }
  });

  it('takes what another anchorer was named for once its owner has chartered it here, shown or not, and records none of it', async () => {
    const service = await fixture.service();
    const [shown, unshown] = [0, 1].map(() => fixture.openDataset({ anchorer: `0x${'a4'.repeat(20)}` as Address }));
    assert.ok(shown !== undefined && unshown !== undefined);
    for (const dataset of [shown, unshown]) await service.fill(dataset, 1);
    assert.equal((await service.anchor()).transactions, 0);
    assert.deepEqual(await work(service), [], 'nothing is to be done here until the owner does something');
    for (const dataset of [shown, unshown]) await fixture.nameAnchorer(dataset, service.recorder.account);

    // Its device has sent all that it has: nobody but the owner has news of it.
    const showing = { dataset: shown.id, charter: shown.charter };
    assert.equal(await checkInCharter({ ...service.ports, grants: null }, showing), true);
    assert.deepEqual(await work(service), [shown.id]);
    // A look that comes before the owner has shown the charter learns it from the chain.
    await markWork(service.table, unshown.id);
    assert.equal((await service.anchor()).transactions, 1);
    const round = await settle(service);
    for (const dataset of [shown, unshown]) {
      assert.equal((await headIn(service, round, dataset))?.size, 3);
      await fixture.assertEmpty(dataset);
      assert.equal((await getAnchor(service.ports, { dataset: dataset.id })).round?.number, 1);
    }
    assert.deepEqual(await work(service), []);
    // Where nothing is stored yet, there is nothing to look at.
    const empty = fixture.openDataset();
    await service.show(empty);
    await fixture.nameAnchorer(empty, service.recorder.account);
    await checkInCharter({ ...service.ports, grants: null }, { dataset: empty.id, charter: empty.charter });
    assert.deepEqual(await work(service), []);
  });

  it('thins old rounds: every path in those that are kept, and a typed refusal for the others', async () => {
    const service = await fixture.service();
    const datasets = Array.from({ length: 6 }, () => inRounds(service));
    const run = (keepRoundsMs: number | null) =>
      service.anchor({
        settings: () => ({ ...service.ports.settings(), keepRoundsMs }),
        anchorSettings: { ...service.ports.anchorSettings, thenOneAMs: 100_000 },
      });
    const { point } = await service.ports.rounds.readRound(service.recorder.account, 'latest');
    // Two rounds in each of five periods.
    const start = 100 * (Math.floor(point.timestampMs / 100_000) + 2);
    const rounds: { readonly round: ChainRound; readonly sizes: readonly number[] }[] = [];
    for (let number = 0; number < 10; number++) {
      const moving = number === 0 ? datasets : datasets.filter((_, i) => i === number % 6 || i === 5);
      for (const dataset of moving) await service.fill(dataset, 1);
      await run(null);
      const at = start + 100 * Math.floor(number / 2) + 50 * (number % 2);
      await fixture.rpc.call('evm_setNextBlockTimestamp', [at]);
      await fixture.mine(3);
      await run(null);
      rounds.push({ round: (await finalRound(service)) as ChainRound, sizes: datasets.map(({ end }) => end.size) });
    }
    const ask = (round: ChainRound, { id }: TestDataset) =>
      getAnchor(service.ports, { dataset: id, round: to0x(round.root) });
    const pagesOf = async () => {
      let pages = 0;
      for (let byte = 0; byte < 256; byte++) {
        const pk = `PAGE#${byte.toString(16).padStart(2, '0')}`;
        pages += (await service.table.query(pk, { from: '0', to: 'z', limit: 1_000 })).items.length;
      }
      return pages;
    };
    const before = await pagesOf();
    for (let time = 0; time < 4; time++) await run(0);
    assert.ok((await pagesOf()) < before);
    for (const [i, { round, sizes }] of rounds.entries()) {
      const isKept = i % 2 === 1;
      for (const [which, dataset] of datasets.entries()) {
        const asked = ask(round, dataset);
        if (isKept) assert.equal((await asked).round?.head?.size, sizes[which], `round ${i + 1}`);
        // What a thinned round shares with a kept one can still be shown.
        else {
          const outcome = await asked.then(
            ({ round: shown }) => shown?.head?.size ?? null,
            (error: unknown) => (error instanceof Problem ? error.type : error),
          );
          assert.ok(outcome === sizes[which] || outcome === '/problems/round-thinned', String(outcome));
        }
      }
    }
    await assert.rejects(ask((rounds[2] as (typeof rounds)[number]).round, datasets[5] as TestDataset), (error) => {
      return error instanceof Problem && error.type === '/problems/round-thinned';
    });
  });

  it('sends none while a page of the map is lost, and records what is recorded directly', async () => {
    const service = await fixture.service();
    const [dataset, direct] = [inRounds(service), fixture.openDataset()];
    await service.fill(dataset, 1);
    await service.anchor();
    const round = await settle(service);
    const map = round.map as MapRoot;
    await service.table.delete(pagePk(map), toHex(map), 'any');
    await service.fill(dataset, 1);
    await service.fill(direct, 1);
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine();
    await fixture.assertRecorded(direct);
    assert.equal(service.counts.get('Anchor.roundFailed'), 1);
  });

  it('shows what the chain’s round says of a dataset, so that anybody can check it', async () => {
    const service = await fixture.service();
    const { account: anchorer } = service.recorder;
    const [dataset, other] = [inRounds(service), inRounds(service)];
    const ask = async (of: TestDataset, query: { since?: number; round?: string } = {}) =>
      anchorFromWire(
        of.id,
        // As it travels.
        getAnchorResponse.parse(
          JSON.parse(JSON.stringify(await getAnchor(service.ports, { dataset: of.id, ...query }))),
        ),
      );
    await service.fill(dataset, 2);
    await service.show(other);
    assert.equal((await ask(dataset)).round, null);
    await service.anchor();
    await settle(service);
    const anchoredSize = dataset.end.size;
    await service.fill(dataset, 1);

    const { round: root } = await service.ports.rounds.readRound(anchorer, 'final');
    const { round, growth, head } = await ask(dataset, { since: 1, round: to0x(root as RoundRoot) });
    const verify = (of: TestDataset, shown: ServiceRound | null) =>
      verifyRoundHead(nodePrimitives, fixture.ledger.domain, root as RoundRoot, of.id, shown as ServiceRound);
    const verified = verify(dataset, round);
    assert.equal(verified?.head.size, anchoredSize);
    assert.equal(verified?.signer, dataset.charter.device);
    assert.deepEqual(
      growth.map(({ from, to }) => [from, to]),
      [
        [1, anchoredSize],
        [anchoredSize, dataset.end.size],
      ],
    );
    requireBoundedGrowth(nodePrimitives, verified!.head, head!, growth[1]!);
    // Absence, too, is proven, and nothing else can be made of it.
    assert.equal(verify(other, (await ask(other)).round), null);
    const otherRound = { ...(round as ServiceRound), number: 2 };
    assert.throws(() => verify(dataset, otherRound), ProofError);
    const another = { ...(round as ServiceRound), head: { ...round!.head!, size: anchoredSize + 1 } };
    assert.throws(() => verify(dataset, another), ProofError);
    assert.equal((await ask(dataset, { round: `0x${'12'.repeat(32)}` })).round, null);
  });

  describe('charters that the anchor follows', () => {
    /** A service by the chain's clock, whose functions' questions to the chain about devices are counted. */
    const following = async () => {
      const service = await fixture.service();
      const clock = { aheadMs: 0 };
      let chainMs = (await fixture.ledger.readHeads([], 'latest')).point.timestampMs;
      const asked: string[] = [];
      const { ledger } = service.ports;
      const ports = {
        ...service.ports,
        runtime: {
          ...service.ports.runtime,
          nowMs: () => chainMs + clock.aheadMs,
          monotonicMs: () => chainMs + clock.aheadMs,
        },
        ledger: {
          ...ledger,
          readDevices: (...given: Parameters<typeof ledger.readDevices>) => {
            asked.push(...given[0]);
            return ledger.readDevices(...given);
          },
        },
      };
      const anchor = async () => {
        chainMs = Math.max(chainMs, (await fixture.ledger.readHeads([], 'latest')).point.timestampMs);
        await service.anchor({ runtime: ports.runtime });
        // What functions remember of how far the anchor is.
        clock.aheadMs += 5_000;
      };
      const signal = new AbortController().signal;
      const finder = createWriterFinder(ports, ['device']);
      const isWriter = async ({ id }: TestDataset, account: Address, find = finder) => {
        return find(id, account, signal).then(
          () => true,
          (error: unknown) => {
            assert.ok(error instanceof Problem && error.type === '/problems/forbidden', String(error));
            return false;
          },
        );
      };
      const store = ({ segment }: SealedBatch) => {
        service.stored.set(segment.key, segment.car);
        return ingestSegment(ports, segment.key);
      };
      const questions = () => asked.splice(0).length;
      return { service, ports, clock, anchor, isWriter, store, questions };
    };
    const deviceOf = ({ writer }: TestDataset) => accountOfKey(writer.deviceKey);
    const marks = async ({ table }: TestService) =>
      (await table.query(CHARTERED_PK, { from: '0', to: '~', limit: 10 })).items;

    it('are followed again though a node once named blocks far ahead', async () => {
      const { service, ports, anchor, isWriter, questions } = await following();
      const dataset = inRounds(service);
      await service.show(dataset);
      await anchor();
      const { point } = await fixture.ledger.readHeads([], 'latest');
      const ahead = { ...point, blockNumber: point.blockNumber + 40_000 };
      const lying = { ...ports.ledger, findAllChartered: async () => [] };
      const from = { fromBlock: 0 };
      await followCharters({ ...ports, ledger: lying, anchorSettings: from }, { latest: ahead, final: ahead });
      const old = deviceOf(dataset);
      await fixture.replaceDevice(dataset);
      await anchor();
      await anchor();
      questions();
      assert.equal(await isWriter(dataset, deviceOf(dataset)), true);
      assert.equal(questions(), 0, 'the table names the new device');
      assert.notEqual(old, deviceOf(dataset));
    });

    it('let a device write without a question to the chain; a new one counts at once, the old one for two minutes at most', async () => {
      const { service, ports, clock, anchor, isWriter, store, questions } = await following();
      const dataset = inRounds(service);
      await service.show(dataset);
      assert.equal(await isWriter(dataset, deviceOf(dataset)), true);
      assert.equal(questions(), 1, 'nobody follows yet');
      await anchor();
      assert.equal(await isWriter(dataset, deviceOf(dataset)), true);
      assert.equal(await store(seal(dataset)), 'placed');
      assert.equal(questions(), 0);
      const [old, oldWriter] = [deviceOf(dataset), dataset.writer];
      await fixture.replaceDevice(dataset);
      assert.equal(await isWriter(dataset, deviceOf(dataset)), true, 'by the chain');
      assert.equal(await store(seal(dataset)), 'placed', 'by the chain');
      assert.equal(questions(), 3, 'one to let it in, two to check in and to learn its charter');
      assert.equal(await isWriter(dataset, old), true, 'the table has not heard of it');
      const later = { ...ports.runtime, nowMs: () => ports.runtime.nowMs() + 116_000 };
      const findLater = createWriterFinder({ ...ports, runtime: later }, ['device']);
      assert.equal(await isWriter(dataset, old, findLater), false, 'what the table says is too old');
      await anchor();
      clock.aheadMs += 2_000;
      questions();
      assert.equal(await isWriter(dataset, deviceOf(dataset)), true);
      assert.equal(questions(), 0);
      assert.equal(await isWriter(dataset, old), false, 'the table does not name it, and the chain says so, too');
      const strayed = seal({ ...dataset, writer: oldWriter });
      assert.equal(await store(strayed), 'rejected');
      assert.equal((await marks(service)).length, 1, 'not final');
      await fixture.mine(3);
      await anchor();
      assert.deepEqual(await marks(service), []);
    });

    it('go when a reorganisation takes them back, and with them the right', async () => {
      const { service, anchor, isWriter } = await following();
      const [dataset, kept] = [inRounds(service), inRounds(service)];
      await service.show(dataset);
      const old = deviceOf(dataset);
      await fixture.replaceDevice(dataset);
      const replaced = deviceOf(dataset);
      await service.show(kept);
      await anchor();
      assert.equal(await isWriter(dataset, replaced), true);
      await fixture.rpc.call('anvil_reorg', [1, []]);
      await anchor();
      assert.equal(await isWriter(dataset, old), true);
      assert.equal(await isWriter(dataset, replaced), false);
      assert.deepEqual(await marks(service), []);
      assert.equal(await isWriter(kept, deviceOf(kept)), true);
    });

    it('are kept of no dataset that nobody has shown, and learnt when somebody shows it', async () => {
      const { service, ports, anchor, isWriter } = await following();
      const dataset = inRounds(service);
      await fixture.replaceDevice(dataset);
      await fixture.mine(3);
      await anchor();
      assert.deepEqual(await readCharters(service.table, dataset.id), []);
      await checkInCharter(ports, { dataset: dataset.id, charter: dataset.first });
      assert.equal(await isWriter(dataset, deviceOf(dataset)), true);
    });

    it('are asked of the chain where what is kept is damaged or another dataset’s: nobody is let in by it', async () => {
      const { service, clock, anchor, isWriter, questions } = await following();
      const [dataset, other] = [inRounds(service), inRounds(service)];
      await service.show(dataset);
      await service.show(other);
      const old = deviceOf(dataset);
      await fixture.replaceDevice(dataset);
      await anchor();
      questions();
      const { table } = service;
      const own = { pk: datasetPk(dataset.id), sk: charterSk(dataset.charter.serial) };
      for (const file of [new Uint8Array(3), encodeCharter(other.first)]) {
        await table.put({ ...own, file, onChain: true }, 'any');
        assert.equal(await isWriter(dataset, old), false);
        assert.equal(questions(), 1);
        // What the chain has said is remembered for a second.
        clock.aheadMs += 1_001;
      }
    });

    it('keep a stranger from having the chain asked on and on', async () => {
      const { service, clock, anchor, isWriter, questions } = await following();
      const dataset = inRounds(service);
      await service.show(dataset);
      await anchor();
      questions();
      for (let call = 0; call < 20; call++) {
        assert.equal(await isWriter(dataset, fixture.owner.account), false);
        clock.aheadMs += 1_001;
      }
      assert.equal(questions(), 10);
      clock.aheadMs += 60_000;
      assert.equal(await isWriter(dataset, deviceOf(dataset)), true);
      assert.equal(questions(), 0, 'others are not held up by it');
      assert.equal(await isWriter(dataset, fixture.owner.account), false);
      assert.equal(questions(), 1, 'a minute later it is asked again');
    });
  });
});
