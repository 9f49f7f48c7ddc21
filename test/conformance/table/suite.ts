import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ArgumentError, StoreUnavailableError } from '../../../core/errors.ts';
import type { Item, Table } from '../../../core/ports/table.ts';

/** An implementation with a server. */
export interface TableTarget {
  /** The table under test. */
  readonly table: () => Table;
  /** A table whose server is not there, and one whose server accepts and never answers; 1 s of patience each. */
  readonly unreachable: () => Table;
  readonly silent: () => Table;
}

const MEBIBYTE = 2 ** 20;

/** What every implementation of the Table port must do. */
export function tableConformance(name: string, target: Pick<TableTarget, 'table'>): void {
  let keys = 0;
  const freshPk = (): string => `conformance-${process.pid}-${++keys}`;
  const fill = async (table: Table, pk: string, count: number): Promise<string[]> => {
    const sks = Array.from({ length: count }, (_, i) => `k#${String(i).padStart(4, '0')}`);
    await Promise.all(sks.map((sk) => table.put({ pk, sk }, 'absent')));
    return sks;
  };
  const everything = { from: '', to: '~' };

  describe(`table: ${name}`, () => {
    it('keeps every kind of value as it was given', async () => {
      const table = target.table();
      const pk = freshPk();
      const values = {
        ...{ text: 'ä€😀\u0000\n', empty: '', zero: 0, negative: -1.5, large: Number.MAX_SAFE_INTEGER, tiny: 1e-7 },
        ...{ yes: true, no: false, nothing: null, bytes: Uint8Array.of(0, 255, 128), noBytes: new Uint8Array(0) },
      };
      assert.equal(await table.put({ pk, sk: 'a', expiresAtS: 4_000_000_000, ...values }, 'absent'), true);
      assert.deepEqual(await table.get(pk, 'a'), { pk, sk: 'a', version: 1, expiresAtS: 4_000_000_000, ...values });
    });

    it('answers null for what is not there', async () => {
      assert.equal(await target.table().get(freshPk(), 'a'), null);
    });

    it('leaves out attributes that are undefined, and forgets those of the item before', async () => {
      const table = target.table();
      const pk = freshPk();
      await table.put({ pk, sk: 'a', old: 1, both: 1 }, 'absent');
      await table.put({ pk, sk: 'a', both: 2, gone: undefined }, 'any');
      assert.deepEqual(await table.get(pk, 'a'), { pk, sk: 'a', version: 2, both: 2 });
    });

    it('counts writes, and writes only in the version that was named', async () => {
      const table = target.table();
      const pk = freshPk();
      assert.equal(await table.put({ pk, sk: 'a', n: 1 }, { version: 1 }), false, 'nothing is there to be version 1');
      assert.equal(await table.put({ pk, sk: 'a', n: 1 }, 'absent'), true);
      assert.equal(await table.put({ pk, sk: 'a', n: 2 }, 'absent'), false);
      assert.equal(await table.put({ pk, sk: 'a', n: 3 }, { version: 1 }), true);
      assert.equal(await table.put({ pk, sk: 'a', n: 4 }, { version: 1 }), false, 'that version is over');
      assert.equal(await table.put({ pk, sk: 'a', n: 5 }, 'any'), true);
      assert.deepEqual(await table.get(pk, 'a'), { pk, sk: 'a', version: 3, n: 5 });
    });

    it('does not let a caller choose the version', async () => {
      const table = target.table();
      const pk = freshPk();
      const item = { pk, sk: 'a', version: 41 };
      await table.put(item, 'absent');
      assert.equal((await table.get(pk, 'a'))?.version, 1);
    });

    it('deletes only in the version that was named', async () => {
      const table = target.table();
      const pk = freshPk();
      await table.put({ pk, sk: 'a' }, 'absent');
      await table.put({ pk, sk: 'a' }, 'any');
      assert.equal(await table.delete(pk, 'a', { version: 1 }), false);
      assert.notEqual(await table.get(pk, 'a'), null);
      assert.equal(await table.delete(pk, 'a', { version: 2 }), true);
      assert.equal(await table.get(pk, 'a'), null);
      assert.equal(await table.delete(pk, 'a', 'any'), true, 'deleting what is gone is no fault');
      assert.equal(await table.delete(pk, 'a', { version: 2 }), false);
    });

    it('lets one of 64 racing writers put an absent item', async () => {
      const table = target.table();
      const pk = freshPk();
      const won = await Promise.all(Array.from({ length: 64 }, (_, n) => table.put({ pk, sk: 'a', n }, 'absent')));
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal((await table.get(pk, 'a'))?.n, won.indexOf(true));
    });

    it('lets one of 64 racing writers replace a version', async () => {
      const table = target.table();
      const pk = freshPk();
      await table.put({ pk, sk: 'a' }, 'absent');
      const race = Array.from({ length: 64 }, (_, n) => table.put({ pk, sk: 'a', n }, { version: 1 }));
      const won = await Promise.all(race);
      assert.equal(won.filter(Boolean).length, 1);
      const item = await table.get(pk, 'a');
      assert.deepEqual([item?.version, item?.n], [2, won.indexOf(true)]);
    });

    it('counts each of 16 racing writes that ask for no version', async () => {
      const table = target.table();
      const pk = freshPk();
      const race = Array.from({ length: 16 }, (_, n) => table.put({ pk, sk: 'a', n }, 'any'));
      assert.ok((await Promise.all(race)).every(Boolean));
      assert.equal((await table.get(pk, 'a'))?.version, 16);
    });

    it('answers a range in order of the bytes of its keys, both ends included', async () => {
      const table = target.table();
      const pk = freshPk();
      for (const sk of ['b', 'a#10', 'a#09', 'B', 'a', 'ä', 'a#1']) await table.put({ pk, sk }, 'absent');
      const of = async (range: Parameters<Table['query']>[1]) =>
        (await table.query(pk, range)).items.map((item) => item.sk);
      assert.deepEqual(await of({ from: 'B', to: 'ä', limit: 9 }), ['B', 'a', 'a#09', 'a#1', 'a#10', 'b', 'ä']);
      assert.deepEqual(await of({ from: 'a#09', to: 'a#10', limit: 9 }), ['a#09', 'a#1', 'a#10']);
      assert.deepEqual(await of({ from: 'a#09', to: 'a#10', limit: 9, reverse: true }), ['a#10', 'a#1', 'a#09']);
      assert.deepEqual(await of({ from: 'c', to: 'd', limit: 9 }), []);
      assert.deepEqual(await of({ from: 'd', to: 'c', limit: 9 }), [], 'a range that ends before it begins is empty');
    });

    it('keeps the items of other keys out', async () => {
      const table = target.table();
      const [one, other] = [freshPk(), freshPk()];
      await table.put({ pk: one, sk: 'a' }, 'absent');
      await table.put({ pk: other, sk: 'a' }, 'absent');
      assert.equal((await table.query(one, { ...everything, from: ' ', limit: 9 })).items.length, 1);
    });

    for (const reverse of [false, true]) {
      it(`goes through a range page by page, ${reverse ? 'backwards' : 'forwards'}, each item once`, async () => {
        const table = target.table();
        const pk = freshPk();
        const sks = await fill(table, pk, 25);
        const seen: string[] = [];
        let next: string | null = reverse ? '~' : ' ';
        let pages = 0;
        while (next !== null) {
          const range: { from: string; to: string; limit: number; reverse: boolean } = reverse
            ? { from: ' ', to: next, limit: 10, reverse }
            : { from: next, to: '~', limit: 10, reverse };
          const page: { items: Item[]; next: string | null } = await table.query(pk, range);
          seen.push(...page.items.map((item) => item.sk));
          next = page.next;
          pages++;
        }
        assert.deepEqual(seen, reverse ? sks.toReversed() : sks);
        assert.equal(pages, 3);
      });
    }

    it('says that nothing follows when a page ends where the range ends', async () => {
      const table = target.table();
      const pk = freshPk();
      await fill(table, pk, 10);
      assert.equal((await table.query(pk, { from: 'k', to: 'l', limit: 10 })).next, null);
      assert.equal((await table.query(pk, { from: 'k', to: 'l', limit: 9 })).next, 'k#0009');
    });

    it('answers a whole range of several mebibytes', async () => {
      const table = target.table();
      const pk = freshPk();
      const bytes = new Uint8Array(300_000);
      for (let i = 0; i < 12; i++) {
        bytes.fill(i);
        await table.put({ pk, sk: `k#${String(i).padStart(2, '0')}`, bytes }, 'absent');
      }
      const { items, next } = await table.query(pk, { from: 'k', to: 'l', limit: 100 });
      assert.equal(next, null);
      assert.ok(items.length * bytes.length > 3 * MEBIBYTE);
      assert.deepEqual(
        items.map((item) => (item.bytes as Uint8Array)[299_999]),
        Array.from({ length: 12 }, (_, i) => i),
      );
    });

    it('reads many at once, in the order asked for, those that are not there and those asked for twice among them', async () => {
      const table = target.table();
      const [one, other] = [freshPk(), freshPk()];
      const sks = await fill(table, one, 130);
      await table.put({ pk: other, sk: 'a', n: 7 }, 'absent');
      const keys = [{ pk: other, sk: 'a' }, ...sks.map((sk) => ({ pk: one, sk })), { pk: one, sk: 'none' }];
      const found = await table.getMany([...keys, { pk: other, sk: 'a' }]);
      assert.deepEqual(
        found.map((item) => item?.sk ?? null),
        ['a', ...sks, null, 'a'],
      );
      assert.deepEqual([found[0]?.n, found[0]?.version], [7, 1]);
      assert.deepEqual(await table.getMany([]), []);
    });

    it('writes and deletes many at once, whatever is there', async () => {
      const table = target.table();
      const pk = freshPk();
      const keys = Array.from({ length: 60 }, (_, i) => ({ pk, sk: `k#${String(i).padStart(2, '0')}` }));
      await table.put({ pk, sk: 'k#07', old: 1 }, 'absent');
      await table.put({ pk, sk: 'k#07', old: 2 }, 'any');
      await table.putMany(keys.map((key, n) => ({ ...key, n, gone: undefined })));
      const { items } = await table.query(pk, { from: 'k', to: 'l', limit: 100 });
      assert.deepEqual(
        items,
        keys.map((key, n) => ({ ...key, version: 1, n })),
      );
      await table.deleteMany([...keys.slice(0, 59), { pk, sk: 'never was' }]);
      assert.deepEqual(
        (await table.query(pk, { from: 'k', to: 'l', limit: 100 })).items.map(({ sk }) => sk),
        ['k#59'],
      );
      await table.putMany([]);
      await table.deleteMany([]);
    });

    it('reads many of more bytes than one answer takes', async () => {
      const table = target.table();
      const pk = freshPk();
      const bytes = new Uint8Array(350_000).fill(5);
      const keys = Array.from({ length: 60 }, (_, i) => ({ pk, sk: `k#${i}` }));
      for (let i = 0; i < 60; i += 10) await table.putMany(keys.slice(i, i + 10).map((key) => ({ ...key, bytes })));
      const found = await table.getMany(keys);
      assert.ok(found.every((item) => item?.bytes instanceof Uint8Array && item.bytes.length === bytes.length));
    });

    it('refuses what would not come back as it is', async () => {
      const table = target.table();
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
        await assert.rejects(table.put({ pk: freshPk(), sk: 'a', value }, 'absent'), ArgumentError);
      }
      await assert.rejects(async () => table.query(freshPk(), { from: 'a', to: 'b', limit: 0 }), ArgumentError);
    });
  });
}

/**
 * What an implementation must do on which tests of the service may stand instead of DynamoDB.
 * @param isDynalite It answers a range that begins with an empty key, and takes the ends of a range in the order of UTF-16
 */
export function tableFidelity(name: string, target: Pick<TableTarget, 'table'>, isDynalite = false): void {
  let keys = 0;
  const freshPk = (): string => `fidelity-${process.pid}-${++keys}`;

  describe(`table as strict as DynamoDB: ${name}`, () => {
    it('orders keys by their bytes where the units of UTF-16 have another order', async () => {
      const table = target.table();
      const pk = freshPk();
      for (const sk of ['\uFFEE', '😀', 'b', '\uE000']) await table.put({ pk, sk }, 'absent');
      const { items } = await table.query(pk, { from: 'b', to: '\uFFFF', limit: 9 });
      assert.deepEqual(
        items.map(({ sk }) => sk),
        ['b', '\uE000', '\uFFEE'],
      );
      assert.deepEqual((await table.query(pk, { from: ' ', to: '\uFFEE', limit: 2 })).next, '\uFFEE');
    });

    it('takes the ends of a range by their bytes as well, where the units of UTF-16 have another order', async () => {
      const table = target.table();
      const pk = freshPk();
      for (const sk of ['\uE000', '😀']) await table.put({ pk, sk }, 'absent');
      const backwards = await table.query(pk, { from: '😀', to: '\uE000', limit: 9 });
      assert.deepEqual(backwards, { items: [], next: null });
      const asked = table.query(pk, { from: '\uE000', to: '😀', limit: 9 });
      if (isDynalite) return assert.rejects(asked, StoreUnavailableError);
      const { items } = await asked;
      assert.deepEqual(
        items.map(({ sk }) => sk),
        ['\uE000', '😀'],
      );
    });

    it('gives each reader bytes of its own, and keeps those that it was given', async () => {
      const table = target.table();
      const pk = freshPk();
      const given = Uint8Array.of(1, 2, 3);
      await table.put({ pk, sk: 'a', bytes: given }, 'absent');
      given.fill(9);
      const readings = [
        ...[(await table.get(pk, 'a'))?.bytes, (await table.getMany([{ pk, sk: 'a' }]))[0]?.bytes],
        ...(await table.query(pk, { from: 'a', to: 'a', limit: 1 })).items.map(({ bytes }) => bytes),
      ] as Uint8Array[];
      for (const bytes of readings) {
        assert.deepEqual(bytes, Uint8Array.of(1, 2, 3));
        bytes.fill(8);
      }
      assert.equal(readings.length, 3);
    });

    it('takes items and keys of the largest sizes, refuses larger ones and empty keys, and writes nothing of them', async () => {
      const table = target.table();
      const pk = freshPk();
      const [longPk, longSk] = [freshPk().padEnd(2048, 'p'), 's'.repeat(1024)];
      assert.equal(await table.put({ pk: longPk, sk: longSk, bytes: new Uint8Array(400_000) }, 'absent'), true);
      assert.equal((await table.get(longPk, longSk))?.version, 1);
      const refused: readonly (() => Promise<unknown>)[] = [
        () => table.put({ pk, sk: 'a', bytes: new Uint8Array(410_000) }, 'absent'),
        () => table.put({ pk, sk: 'a', huge: 1e126 }, 'absent'),
        () => table.put({ pk, sk: 'a', minute: -1e-131 }, 'absent'),
        () => table.put({ pk: `${longPk}p`, sk: 'a' }, 'absent'),
        () => table.put({ pk, sk: `${longSk}s` }, 'absent'),
        () => table.put({ pk, sk: '' }, 'absent'),
        () => table.get('', 'a'),
        () => table.delete(pk, '', 'any'),
        () => table.getMany([{ pk, sk: '' }]),
        () =>
          table.putMany([
            { pk, sk: 'b' },
            { pk, sk: '' },
          ]),
        () => table.deleteMany([{ pk, sk: `${longSk}s` }]),
      ];
      for (const [i, ask] of refused.entries()) await assert.rejects(ask, StoreUnavailableError, `refusal ${i}`);
      assert.deepEqual((await table.query(pk, { from: ' ', to: '~', limit: 9 })).items, []);
    });

    it(`${isDynalite ? 'takes' : 'refuses'} a range that begins with an empty key`, async () => {
      const asked = target.table().query(freshPk(), { from: '', to: 'b', limit: 9 });
      if (isDynalite) assert.deepEqual((await asked).items, []);
      else await assert.rejects(asked, StoreUnavailableError);
    });

    it('refuses a batch that names a key twice', async () => {
      const table = target.table();
      const pk = freshPk();
      const twice = [
        { pk, sk: 'a' },
        { pk, sk: 'b' },
        { pk, sk: 'a' },
      ];
      await assert.rejects(table.putMany(twice), StoreUnavailableError);
      assert.deepEqual((await table.query(pk, { from: ' ', to: '~', limit: 9 })).items, []);
      await table.putMany(twice.slice(1));
      await assert.rejects(table.deleteMany(twice), StoreUnavailableError);
      assert.equal((await table.query(pk, { from: ' ', to: '~', limit: 9 })).items.length, 2);
    });

    it('does nothing for a caller who has aborted', async () => {
      const table = target.table();
      const pk = freshPk();
      const signal = AbortSignal.abort();
      const asked = [
        ...[table.get(pk, 'a', signal), table.query(pk, { from: 'a', to: 'b', limit: 1 }, signal)],
        ...[table.put({ pk, sk: 'a' }, 'any', signal), table.put({ pk, sk: 'a' }, 'absent', signal)],
        ...[table.delete(pk, 'a', 'any', signal), table.getMany([{ pk, sk: 'a' }], signal)],
        ...[table.putMany([{ pk, sk: 'a' }], signal), table.deleteMany([{ pk, sk: 'a' }], signal)],
      ];
      for (const one of await Promise.allSettled(asked))
        assert.equal(one.status === 'rejected' && one.reason.name, 'AbortError');
      assert.equal(await table.get(pk, 'a'), null);
    });
  });
}

/** What an implementation with a server must do when there is no answer. */
export function tableOutages(name: string, target: TableTarget): void {
  describe(`table without an answer: ${name}`, () => {
    for (const [what, broken] of [
      ['is not there', target.unreachable],
      ['never answers', target.silent],
    ] as const) {
      it(`fails as unavailable, in time, when its server ${what}`, async () => {
        const table = broken();
        const startedAt = performance.now();
        await Promise.all([
          assert.rejects(table.get('a', 'a'), StoreUnavailableError),
          assert.rejects(table.put({ pk: 'a', sk: 'a' }, 'any'), StoreUnavailableError),
          assert.rejects(table.put({ pk: 'a', sk: 'a' }, 'absent'), StoreUnavailableError),
          assert.rejects(table.query('a', { from: 'a', to: 'b', limit: 1 }), StoreUnavailableError),
          assert.rejects(table.delete('a', 'a', 'any'), StoreUnavailableError),
          assert.rejects(table.getMany([{ pk: 'a', sk: 'a' }]), StoreUnavailableError),
          assert.rejects(table.putMany([{ pk: 'a', sk: 'a' }]), StoreUnavailableError),
          assert.rejects(table.deleteMany([{ pk: 'a', sk: 'a' }]), StoreUnavailableError),
        ]);
        assert.ok(performance.now() - startedAt < 8_000);
      });
    }

    it('ends at once when its caller aborts', async () => {
      const aborted = new AbortController();
      const waiting = target.silent().get('a', 'a', aborted.signal);
      aborted.abort();
      await assert.rejects(waiting, { name: 'AbortError' });
    });
  });
}
