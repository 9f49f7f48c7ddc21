import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  Address,
  Auditor,
  AuditReport,
  Consumer,
  DatasetId,
  EvidenceReport,
  GotBlock,
  Owner,
  Proven,
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
  assert.ok(isSame<ReturnType<Owner['serve']>, Promise<number>>(true));
  assert.ok(isSame<ReturnType<Owner['prove']>, Promise<Proven>>(true));
  assert.ok(isSame<ReturnType<Auditor['prove']>, Promise<Proven>>(true));
  assert.ok(isSame<Proven['report'], EvidenceReport>(true));
});

test('what is wrong does not compile', () => {
  const neverRun = (owner: Owner, consumer: Consumer, auditor: Auditor, id: DatasetId) => [
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
    // @ts-expect-error an auditor has no keys of the content to open
    auditor.prove(id, { blocks: { from: 0, to: 1 }, open: true }),
    // @ts-expect-error evidence is of blocks that are named
    owner.prove(id),
    // @ts-expect-error what happens is told to onEvent; what serves is the owner's own keys
    owner.serve({ agent: 'agent.json' }),
  ];
  assert.equal(typeof neverRun, 'function');
});
