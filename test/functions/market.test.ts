import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { TypedDataEncoder } from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { fromHex, to0x } from '../../core/bytes.ts';
import { PlumblineError, RequestRefusedError } from '../../core/errors.ts';
import type { Address, AgreementId, DatasetId, PrivateKey } from '../../core/ids.ts';
import { type BuyingRequest, requireRequest, signRequest } from '../../core/market/buying-request.ts';
import {
  type Description,
  descriptionName,
  parseDescription,
  requireDescription,
  signDescription,
} from '../../core/market/description.ts';
import type { Agreement, Agreements } from '../../core/ports/agreements.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { PLACES } from '../../functions/put-request.ts';
import { agreementPk, DESCRIPTION_SK, REQUESTS_PK } from '../../functions/state/entries.ts';
import { SAYS_LITTLE, WISHES_LITTLE } from './market-texts.ts';
import { clientOf, patiently } from './start-sale.ts';
import { DOMAIN, key, type Stores, startStores } from './start-service.ts';

const OCASC: { chainId: number; ocasc: Address } = {
  chainId: DOMAIN.chainId,
  ocasc: `0x${'0c'.repeat(20)}` as Address,
};
const NOBODY = `0x${'00'.repeat(20)}` as Address;
const DAY_SECONDS = 86_400;

/** OCASC, of which a test says what it has; the same at every block. */
class StatedOffers implements Agreements {
  readonly domain = OCASC;
  readonly known = new Map<AgreementId, Agreement>();
  reads = 0;

  async readAgreement(id: AgreementId) {
    this.reads++;
    return { point: { blockNumber: 1, blockHash: '0x', timestampMs: 0 }, agreement: this.known.get(id) ?? null };
  }
}

describe('what sellers and buyers say, in the service', () => {
  let stores: Stores;
  let offers: StatedOffers;
  let ports: ServicePorts;
  const stranger = () => clientOf(ports, key());

  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());
  beforeEach(async () => {
    offers = new StatedOffers();
    ports = { ...stores.ports, agreements: offers };
    stores.clock.offsetMs = 0;
    const { items } = await stores.table.query(REQUESTS_PK, { from: 'A', to: 'Z', limit: 500 });
    await stores.table.deleteMany(items);
  });

  function offer(change: Partial<Agreement> = {}, isServed = true) {
    const ownerKey = key();
    const owner = accountOfKey(ownerKey);
    if (isServed) stores.owners.set(owner, 2 ** 30);
    const made = {
      id: to0x(nodePrimitives.randomBytes(32)) as AgreementId,
      terms: {
        ...{ dataset: `0x${'d5'.repeat(32)}` as DatasetId, windowSeconds: 60, durationSeconds: 3600 },
        acceptBySeconds: 2n ** 64n - 1n,
      },
      ...{ owner, state: 'offered', buyer: null, ...change },
    } as unknown as Agreement;
    offers.known.set(made.id, made);
    return { ...made, ownerKey };
  }
  const refusedAs = (type: string) => (error: unknown) => {
    assert.ok(error instanceof RequestRefusedError, String(error));
    assert.equal(error.type, `/problems/${type}`, error.shortMessage);
    return true;
  };
  const nowSeconds = () => Math.floor(ports.runtime.nowMs() / 1000);

  describe('descriptions', () => {
    test('are brought by anybody, kept as they are, and read by anybody', async () => {
      const { id, owner, ownerKey } = offer();
      const said: Description = {
        ...SAYS_LITTLE,
        ...{ about: 'Hourly means.\n\nGaps are left out.', period: { fromMs: 1, toMs: 2 }, sizeBytes: 10 },
        contents: [{ name: 'rain.csv', blocks: 2, sizeBytes: 10 }],
      };
      const signed = signDescription(OCASC, id, said, ownerKey);
      assert.deepEqual(await stranger().putDescription(id, signed), { stored: true });
      assert.deepEqual(await stranger().putDescription(id, signed), { stored: false });
      const other = offer();
      const found = await stranger().getDescriptions([other.id, id]);
      assert.deepEqual([...found.keys()], [id], 'of the other nothing is said');
      assert.deepEqual(requireDescription(OCASC, { id, owner }, found.get(id) ?? assert.fail()), said);
    });

    test('are signed as a wallet shows them, and are of one agreement of one contract', () => {
      const { id, owner, ownerKey } = offer();
      const signed = signDescription(OCASC, id, SAYS_LITTLE, ownerKey);
      const domain = { name: 'Plumbline OCASC', version: '2', chainId: OCASC.chainId, verifyingContract: OCASC.ocasc };
      const types = {
        Description: [
          { name: 'agreement', type: 'bytes32' },
          { name: 'text', type: 'string' },
        ],
      };
      const hash = TypedDataEncoder.hash(domain, types, { agreement: id, text: signed.text });
      assert.equal(descriptionName(OCASC, id, signed.text), hash);
      const elsewhere = { ...OCASC, chainId: 1 };
      assert.throws(() => requireDescription(elsewhere, { id, owner }, signed), PlumblineError);
      assert.throws(() => requireDescription(OCASC, { id: offer().id, owner }, signed), PlumblineError);
      assert.throws(() => requireDescription(OCASC, { id, owner: offer().owner }, signed), /whose owner is/);
    });

    test('and requests are those of the specification', async () => {
      const specification = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'specification.md'), 'utf8');
      const shown = (name: string) =>
        [...specification.matchAll(new RegExp(`^${name} {3,}(\\S.*)$`, 'gm'))].map(([, value]) => value as string);
      const [said, wished] = shown('text');
      const [saidBy, wishedBy] = shown('signature').map((hex) => fromHex(hex));
      if (said === undefined || wished === undefined || saidBy === undefined || wishedBy === undefined) assert.fail();
      const [id, ownerKey] = [`0x${'11'.repeat(32)}` as AgreementId, new Uint8Array(32).fill(1) as PrivateKey];
      assert.deepEqual(shown('name'), [descriptionName(OCASC, id, said)]);
      const signed = { text: said, signature: saidBy };
      assert.deepEqual(signDescription(OCASC, id, parseDescription(said), ownerKey), signed);
      const { id: name, request } = requireRequest(OCASC, { text: wished, signature: wishedBy });
      assert.deepEqual([shown('id'), request.topic], [[name], 'Rain in Brussels']);
    });

    test('are kept once for an offer, for as long as it can matter', async () => {
      const { id, ownerKey } = offer();
      await stranger().putDescription(id, signDescription(OCASC, id, SAYS_LITTLE, ownerKey));
      const other = signDescription(OCASC, id, { ...SAYS_LITTLE, title: 'Better weather' }, ownerKey);
      await assert.rejects(stranger().putDescription(id, other), refusedAs('described'));
      const item = await stores.table.get(agreementPk(id), DESCRIPTION_SK);
      const days = (Number(item?.expiresAtS) - nowSeconds()) / DAY_SECONDS;
      assert.ok(days > 365 + 29 && days < 365 + 32, `${days} days, though it can be accepted for ever`);
    });

    test('of another than the owner, of nobody served here, or of no offer are refused; a stranger costs no request to the chain', async () => {
      const { id } = offer();
      const put = (of: AgreementId, by: PrivateKey) =>
        stranger().putDescription(of, signDescription(OCASC, of, SAYS_LITTLE, by));
      const served = offer();
      await assert.rejects(put(id, served.ownerKey), refusedAs('forbidden'));
      const gone = `0x${'77'.repeat(32)}` as AgreementId;
      await assert.rejects(put(gone, served.ownerKey), refusedAs('not-found'));
      offers.reads = 0;
      const unserved = offer({}, false);
      await assert.rejects(put(unserved.id, unserved.ownerKey), refusedAs('not-served'));
      assert.equal(offers.reads, 0);
    });

    test('in another form than the one are refused', () => {
      const text =
        '{"about":null,"contact":null,"contents":[],"licence":null,"moreNames":0,"period":null,"request":null,';
      const end = '"sizeBytes":null,"title":"T","v":1}';
      assert.equal(parseDescription(text + end).title, 'T');
      for (const wrong of [
        `${text} ${end}`,
        `${text}${end.replace('"T"', '"T\u202e"')}`,
        `${text}${end.replace('"T"', '" T"')}`,
        `${text}${end.replace('"T"', '"T\\u001b[2J"')}`,
        `${text}${end.replace('"T"', '"e\u0301"')}`,
        `${text}${end.replace('"v":1', '"v":2')}`,
        `${text}"more":1,${end}`,
        `${text}${end.replace('"T"', `"${'T'.repeat(121)}"`)}`,
        `${text}${end}`.replace('"about":null', `"about":"${'x'.repeat(5_000)}"`),
        'null',
        '{',
      ]) {
        assert.throws(() => parseDescription(wrong), PlumblineError, wrong.slice(0, 200));
      }
    });
  });

  describe('requests', () => {
    const wish = (accountKey: PrivateKey, change: Partial<BuyingRequest> = {}) =>
      signRequest(
        OCASC,
        {
          ...{ ...WISHES_LITTLE, account: accountOfKey(accountKey), madeAtSeconds: nowSeconds() },
          ...{ untilSeconds: nowSeconds() + DAY_SECONDS, ...change },
        },
        accountKey,
      );

    test('are on the board until they expire', async () => {
      const signed = wish(key(), { topic: 'snow' });
      const { id, stored } = await stranger().putRequest(signed);
      assert.deepEqual([stored, id], [true, requireRequest(OCASC, signed).id]);
      assert.deepEqual(await stranger().putRequest(signed), { id, stored: false });
      assert.deepEqual(await stranger().listRequests(), [signed]);
      stores.clock.offsetMs = 1000 * (DAY_SECONDS + 1);
      assert.deepEqual(await stranger().listRequests(), []);
    });

    test('of a stranger with a loop take a fixed number of places, and none of a buyer’s', async () => {
      const loop = stranger();
      const put = () => loop.putRequest(wish(key())).then(({ stored }) => stored);
      let stored = 0;
      // A few at a time race for the places.
      while (stored < PLACES.OPEN) {
        const together = Array.from({ length: Math.min(6, PLACES.OPEN - stored) }, () => patiently(put));
        stored += (await Promise.all(together)).filter(Boolean).length;
      }
      await assert.rejects(put(), refusedAs('board-full'));
      const buyerKey = key();
      const { id } = offer({ buyer: { consumer: accountOfKey(buyerKey) } as NonNullable<Agreement['buyer']> });
      await stranger().putRequest(wish(buyerKey, { bought: id }));
      const all = await stranger().listRequests();
      assert.equal(all.length, PLACES.OPEN + 1);
      assert.equal(requireRequest(OCASC, all[0] ?? assert.fail()).request.bought, id, 'buyers come first');
      stores.clock.offsetMs = 1000 * (DAY_SECONDS + 1);
      const later = wish(key());
      assert.equal((await stranger().putRequest(later)).stored, true, 'in the place of one that has expired');
      assert.deepEqual(await stranger().listRequests(), [later]);
    });

    test('are two an account; of another, of another time, or of one who has bought nothing are refused', async () => {
      const accountKey = key();
      for (const topic of ['rain', 'snow']) await stranger().putRequest(wish(accountKey, { topic }));
      await assert.rejects(stranger().putRequest(wish(accountKey, { topic: 'hail' })), refusedAs('board-full'));
      const refused: Partial<BuyingRequest>[] = [
        { account: accountOfKey(key()) },
        { madeAtSeconds: nowSeconds() - 600 },
        { untilSeconds: nowSeconds() - 1 },
        { untilSeconds: nowSeconds() + 15 * DAY_SECONDS },
        { bought: offer({ buyer: { consumer: NOBODY } as NonNullable<Agreement['buyer']> }).id },
        { bought: `0x${'66'.repeat(32)}` },
      ];
      for (const change of refused) {
        await assert.rejects(stranger().putRequest(wish(key(), change)), refusedAs('bad-request'));
      }
      const buyerKey = key();
      const buyer = { consumer: accountOfKey(buyerKey) } as NonNullable<Agreement['buyer']>;
      const dealtWithHimself = offer({ buyer }, false);
      const own = wish(buyerKey, { bought: dealtWithHimself.id });
      await assert.rejects(stranger().putRequest(own), refusedAs('bad-request'));
    });
  });
});
