import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Captured, numberOf, SeriesReader, timeOf } from '../../console/engine/read-series.ts';

const AT = Date.UTC(2026, 10, 30);

function read(...pieces: Partial<Captured>[]): Record<string, [number, number][]> {
  const reader = new SeriesReader();
  for (const piece of pieces) {
    reader.take({ name: 'a.csv', type: null, atMs: AT, text: '', isBeginning: false, ...piece });
  }
  return Object.fromEntries(
    reader.end().map(({ name, times, values }) => [name, [...times].map((time, i) => [time, values[i] as number])]),
  );
}

test('CSV: columns by their names, at the times that a column gives', () => {
  const found = read({ text: 'time,t,h\n2026-11-30T00:00:00Z,1.5,60\n2026-11-30T00:05:00Z,2,59\n', isBeginning: true });
  assert.deepEqual(found, {
    'a.csv: t': [
      [AT, 1.5],
      [AT + 300_000, 2],
    ],
    'a.csv: h': [
      [AT, 60],
      [AT + 300_000, 59],
    ],
  });
});

test('CSV cut within a line goes on with the next block; a file that begins anew names its columns anew', () => {
  const found = read(
    { text: 'time;v\n2026-11-30T00:00:00Z;1\n2026-11-', isBeginning: true },
    { text: '30T00:01:00Z;2\n' },
    { text: 'time;w\n2026-11-30T00:02:00Z;3\n', isBeginning: true },
  );
  assert.deepEqual(found, {
    'a.csv: v': [
      [AT, 1],
      [AT + 60_000, 2],
    ],
    'a.csv: w': [[AT + 120_000, 3]],
  });
});

test('JSON lines: numbers by their fields, at the time of a field or of the capture', () => {
  const found = read({ name: 'x.jsonl', text: '{"ts":1796032637,"p":3}\n{"p":4,"ok":true,"unit":"bar"}\n{broken\n' });
  assert.deepEqual(found, {
    'x.jsonl: p': [
      [AT, 4],
      [1_796_032_637_000, 3],
    ],
  });
});

test('messages of topics: plain numbers and objects, in the order of time', () => {
  const found = read(
    { name: 'hall/temp', text: '21.5', atMs: AT + 1 },
    { name: 'hall/temp', text: '21.4', atMs: AT },
    { name: 'hall/state', text: '{"rpm":900}' },
    { name: 'hall/note', text: 'door open' },
  );
  assert.deepEqual(found, {
    'hall/temp': [
      [AT, 21.4],
      [AT + 1, 21.5],
    ],
    'hall/state: rpm': [[AT, 900]],
  });
});

test('what a sensor could send to do harm draws nothing, and series have a bound', () => {
  const fields = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, i]));
  assert.equal(Object.keys(read({ text: `${JSON.stringify(fields)}\n` })).length, 24);
  assert.deepEqual(read({ text: '{"constructor":null,"a":[1],"b":"2"}\nNaN\nInfinity,1e999x\n' }), {});
});

test('numbers and times are read strictly', () => {
  assert.deepEqual(['1', '-1.5e3', '.5', '1,5', '0x10', '', ' 1'].map(numberOf), [
    1,
    -1500,
    0.5,
    null,
    null,
    null,
    null,
  ]);
  assert.equal(timeOf('2026-11-30 00:00:00'), AT);
  assert.equal(timeOf('2026-11-30'), AT);
  assert.equal(timeOf('2026-11-30T01:00:00+01:00'), AT);
  assert.deepEqual(['yesterday', '0', '-5', '2026-13-45'].map(timeOf), [null, null, null, null]);
});

test('a block that ends with its line leaves nothing for the next one', () => {
  const found = read(
    { text: 'time,v\n2026-11-30T00:00:00Z,1\n2026-11', isBeginning: true },
    { text: '-30T00:01:00Z,2\n' },
    { text: '2026-11-30T00:02:00Z,3\n' },
  );
  assert.deepEqual(found, {
    'a.csv: v': [
      [AT, 1],
      [AT + 60_000, 2],
      [AT + 120_000, 3],
    ],
  });
});

test('behind a lost block reading goes on with the next whole line; each series has a gap there, others have none', () => {
  const reader = new SeriesReader();
  const piece = { name: 'a.csv', type: null, atMs: AT, isBeginning: false };
  const topic = { name: 'plant/t', type: null, atMs: AT, isBeginning: false };
  reader.take({ ...piece, text: 'time,v\n2026-11-30T00:00:00Z,1\n2026-11-30T00:0', isBeginning: true });
  reader.take({ ...topic, text: '20' });
  reader.lose('a.csv');
  reader.take({ ...piece, text: '7:00Z,9' });
  reader.take({ ...piece, text: ',8\n2026-11-30T00:09:00Z,3\n' });
  reader.take({ ...topic, atMs: AT + 1, text: '21' });
  const [csv, messages] = reader.end();
  assert.deepEqual(
    [[...(csv?.times ?? [])], [...(csv?.values ?? [])]],
    [
      [AT, AT + 540_000],
      [1, 3],
    ],
  );
  assert.deepEqual(csv?.gaps, [{ fromMs: AT, toMs: AT + 540_000 }]);
  assert.deepEqual([[...(messages?.values ?? [])], messages?.gaps], [[20, 21], []]);
});

test('a lost message of a topic is a gap of it, and the next message is read whole; what is not known may be of any', () => {
  const reader = new SeriesReader();
  const of = (name: string, i: number) => ({ name, type: null, atMs: AT + i, text: String(i), isBeginning: true });
  for (const i of [1, 2]) for (const name of ['a', 'b']) reader.take(of(name, i));
  reader.lose(null);
  for (const i of [4, 5]) for (const name of ['a', 'b']) reader.take(of(name, i));
  for (const { values, gaps } of reader.end()) {
    assert.deepEqual([...values], [1, 2, 4, 5]);
    assert.deepEqual(gaps, [{ fromMs: AT + 2, toMs: AT + 4 }]);
  }
});
