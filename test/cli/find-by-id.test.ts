import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { MAX_SHOWN, pickOffers } from '../../cli/consumer/pick-offers.ts';
import { type Described, readCatalogue } from '../../cli/consumer/read-catalogue.ts';
import { createOutput } from '../../cli/output.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Address, AgreementId } from '../../core/ids.ts';
import type { DatasetEntry } from '../../core/wire/datasets-file.ts';
import type { Connection } from '../../library/connection.ts';
import { pickDataset, pickEntry } from '../../library/dataset-list.ts';
import { isIdPrefix, resolveId, shortIds } from '../../library/short-ids.ts';

const idOf = (beginning: string) => `0x${beginning.padEnd(64, '0')}`;
const refuses = (message: RegExp) => (error: unknown) => error instanceof ArgumentError && message.test(error.message);

describe('an id by its beginning, the same for agreements, grants, requests and datasets', () => {
  const ids = ['12345678a', '12345678b1', '12345678b2', '12345678c', 'ffffffff'].map(idOf);
  const resolve = (text: string) => resolveId(text, 'a grant', async () => ids);

  it('is the one that begins so', async () => {
    assert.equal(await resolve('0x12345678A'), ids[0]);
    assert.equal(await resolve('0xFFFFFFFF'), ids[4]);
    const whole = idOf('abcdef00');
    const never = () => assert.fail('a whole id is not looked up');
    assert.equal(await resolveId(whole.toUpperCase().replace('0X', '0x'), 'a grant', never), whole);
  });

  it('is refused where it is not clear, with those that it may be', async () => {
    await assert.rejects(
      resolve('0x12345678'),
      refuses(new RegExp(`4 ids of a grant .*: ${ids.slice(0, 3).join(', ')} and 1 more`)),
    );
    await assert.rejects(
      resolve('0x12345678b'),
      refuses(new RegExp(`2 ids .*: ${ids[1]}, ${ids[2]}\\. Give more digits`)),
    );
    await assert.rejects(resolve('0x00000000'), refuses(/No id of a grant begins with 0x00000000/));
    for (const text of ['0x1234567', '12345678', '0x', '', `${idOf('1')}0`, '0x1234567g', 'weather']) {
      await assert.rejects(resolve(text), refuses(/at least the first 8/), text);
    }
  });

  it('is shown as short as it tells one from another', () => {
    const short = shortIds(ids);
    assert.deepEqual(ids.map(short), ['0x12345678a', '0x12345678b1', '0x12345678b2', '0x12345678c', '0xffffffff']);
    for (const id of ids) assert.ok(isIdPrefix(short(id)));
  });

  it('finds a dataset of the list; a name goes first', () => {
    const entry = (name: string, dataset: string): DatasetEntry =>
      ({ name, dataset, kind: ENCRYPTED, published: false, charters: [] }) as unknown as DatasetEntry;
    const entries = [
      entry('rain', ids[0]!),
      entry('wind', ids[1]!),
      entry('0xffffffff', ids[3]!),
      entry('sun', ids[4]!),
    ];
    const find = (text: string) => pickEntry(entries, text, 'home').name;
    assert.deepEqual(['wind', '0x12345678B', ids[1]!, '0xffffffff', '0xffffffff0'].map(find), [
      ...['wind', 'wind', 'wind', '0xffffffff', 'sun'],
    ]);
    assert.equal(pickDataset(entries, 'home', '0x12345678b'), ids[1]);
    assert.throws(() => find('0x12345678'), refuses(/3 ids of a dataset in home begin with/));
    assert.throws(() => find('0x99999999'), refuses(/No id of a dataset in home begins with/));
    assert.throws(() => find('snow'), refuses(/no dataset snow in home; it lists: rain, wind/));
  });
});

describe('a service that answers with what moves a terminal', () => {
  it('is quoted without it', async () => {
    const server = createServer((_, answer) => {
      const problem = {
        type: 'about:blank',
        title: 'No.',
        status: 400,
        detail: 'no\u001b]0;owned\u0007\u001b[2J\u202e',
      };
      answer.writeHead(400, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const apiUrl = `http://127.0.0.1:${port}`;
      const ocasc = `0x${'0c'.repeat(20)}`;
      const connection = { apiUrl, chainId: 31_337, rpcUrl: apiUrl, ocasc } as unknown as Connection;
      const said: string[] = [];
      const output = { ...createOutput(false), notice: (text: string) => void said.push(text) };
      const offer = { id: idOf('a1') as AgreementId, owner: ocasc as Address };
      const found = await readCatalogue(connection, [offer], output, AbortSignal.timeout(10_000));
      assert.deepEqual([found.size, said.length], [0, 1]);
      assert.match(said[0] ?? '', /does not return the descriptions of offers: .*refuses get-descriptions \(400\): no/);
      assert.doesNotMatch(said[0] ?? '', /[\p{Cc}\p{Cf}]/u);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

describe('offers, of which a stranger makes a thousand', () => {
  const flood = Array.from({ length: 1_200 }, (_, i) => ({
    id: idOf(`f${i.toString(16).padStart(8, '0')}`) as AgreementId,
    owner: '0xbad' as Address,
  }));
  const honest = { id: idOf('a1') as AgreementId, owner: '0x600d' as Address };
  const newestFirst = [...flood, honest];
  const asked: number[] = [];
  const readCatalogue = async (offers: readonly { id: AgreementId }[]) => {
    asked.push(offers.length);
    return new Map(
      offers.some(({ id }) => id === honest.id)
        ? [[honest.id, { description: { title: 'Rain' } } as unknown as Described]]
        : [],
    );
  };

  it('are searched behind the newest, and it is said what was left out', async () => {
    const found = await pickOffers(newestFirst, (said) => said?.title === 'Rain', readCatalogue);
    assert.deepEqual([found.picked, found.leftOut], [[honest], 0]);
    const all = await pickOffers(newestFirst, null, readCatalogue);
    assert.deepEqual([all.picked.length, all.leftOut], [MAX_SHOWN, 701]);
    const none = await pickOffers(newestFirst, () => true, readCatalogue);
    assert.deepEqual([none.picked.length, none.leftOut], [MAX_SHOWN, 701], 'what fits is bounded, too');
    assert.deepEqual(asked, [1_201, MAX_SHOWN, 1_201]);
  });
});
