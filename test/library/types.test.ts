import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  Address,
  Auditor,
  AuditReport,
  Consumer,
  DatasetId,
  GotBlock,
  Owner,
  Verdict,
} from '../../library/index.ts';

/* What the compiler says to programs. `npm run check:types` refuses a line that is right where it is expected to be wrong. */

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const isSame = <A, B>(same: Same<A, B>): boolean => same;

test('what comes back has its types', () => {
  assert.ok(isSame<Awaited<ReturnType<Owner['verify']>>, AuditReport>(true));
  assert.ok(isSame<Awaited<ReturnType<Auditor['verify']>>, AuditReport>(true));
  assert.ok(isSame<Awaited<ReturnType<Consumer['audit']>>, AuditReport>(true));
  type Yielded<T> = T extends AsyncIterable<infer U> ? U : never;
  assert.ok(isSame<Yielded<ReturnType<Owner['verify']>>, Verdict>(true));
  assert.ok(isSame<Yielded<ReturnType<Owner['get']>>, GotBlock>(true));
  assert.ok(isSame<Consumer['account'], Address>(true));
});

test('what is wrong does not compile', () => {
  const neverRun = (owner: Owner, consumer: Consumer, id: DatasetId) => [
    // @ts-expect-error Protocols III and IV are a consumer's
    owner.verify('weather', { protocol: 'III' }),
    // @ts-expect-error an account is no dataset: ids are branded
    consumer.offers({ dataset: owner.account }),
    // @ts-expect-error a price is in whole units of the token, as a bigint
    owner.offer(id, { blocks: { from: 0, to: 1 }, price: 0.5, fee: 0n, bond: 0n, stake: 0n }),
    // @ts-expect-error what is odd is named by its code
    consumer.accept(id, { despite: ['looks-fine'] }),
    // @ts-expect-error where to write has to be said
    consumer.fetch(id, {}),
  ];
  assert.equal(typeof neverRun, 'function');
});
