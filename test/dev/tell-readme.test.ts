import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableOf, whyNot } from '../../dev/bench/report/tell-readme.ts';

const ROWS = [
  { what: 'gas of a round', value: 29_938, unit: 'gas', goal: { most: 30_000 }, load: 0.4 },
  { what: 'time | of a loop', value: 0.7, unit: 'x', goal: { least: 0.8 }, load: 1.9 },
  { what: 'the rest', value: Number.NaN, unit: '', load: 1 },
];

test('figures of a busy machine, or of a quick run, are not written down as those of this machine', () => {
  assert.equal(whyNot({ notes: ['on parts'], rows: ROWS }), null);
  const busy = [...ROWS, { what: 'later', value: 1, unit: 's', load: 2.1 }];
  assert.match(whyNot({ notes: ['on parts'], rows: busy }) ?? '', /load average was 2\.1, above 2/);
  assert.match(whyNot({ notes: ['on parts', 'quick: few repetitions'], rows: ROWS }) ?? '', /quick/);
});

test('the table says what was seen, what Amsterdam’s rules make of gas, what was missed and what was not measured', () => {
  const text = tableOf({ notes: ['on parts'], rows: ROWS }, { 'gas of a round': 40_000 });
  for (const line of [
    'On parts.',
    '| gas of a round | 29938 gas (40000) | <= 30000 |',
    '| time \\| of a loop | 0.7000 x | >= 0.8, missed |',
    '| the rest | not measured |  |',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line}\n${text}`);
  }
});
