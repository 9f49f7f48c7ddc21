import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellsOf, countStates, emptyMap, grownMap, noteStates } from '../../console/engine/block-map.ts';
import { STATE } from '../../console/engine/questions.ts';

test('a million blocks in two thousand cells: none is lost, and one damaged block shows in its cell', () => {
  const map = emptyMap(1_000_000);
  map.states.fill(STATE.possession);
  noteStates(map, Uint32Array.of(654_321), Uint8Array.of(STATE.damaged), 1_000_000);
  const cells = cellsOf(map, 0, 999_999, 2_000);
  assert.equal(cells.length, 2_000);
  assert.equal(
    cells.reduce((sum, { from, to }) => sum + to - from + 1, 0),
    1_000_000,
  );
  const [bad, ...others] = cells.filter(({ damaged }) => damaged > 0);
  assert.deepEqual(others, []);
  assert.ok(bad !== undefined && bad.from <= 654_321 && bad.to >= 654_321);
  assert.equal(bad.state, STATE.damaged);
  assert.equal(bad.newestCheckedAtMs, 1_000_000);
});

test('few blocks have a cell each; the last cell may hold fewer', () => {
  assert.deepEqual(
    cellsOf(emptyMap(5), 0, 4, 100).map(({ from, to }) => [from, to]),
    [0, 1, 2, 3, 4].map((block) => [block, block]),
  );
  assert.deepEqual(
    cellsOf(emptyMap(7), 0, 6, 3).map(({ from, to }) => [from, to]),
    [
      [0, 2],
      [3, 5],
      [6, 6],
    ],
  );
});

test('a log that grows keeps what was found; states are counted with what nobody has looked at', () => {
  const map = emptyMap(3);
  noteStates(map, Uint32Array.of(1, 9), Uint8Array.of(STATE.missing, STATE.damaged), 5_000);
  const grown = grownMap(map, 10);
  assert.deepEqual(
    [...countStates(grown)],
    [
      [STATE.unchecked, 9],
      [STATE.missing, 1],
    ],
  );
  assert.equal(grownMap(grown, 4), grown);
  assert.equal(grown.checkedAt[1], 5);
});
