import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf, type Route, routeOf } from '../../console/page/route.ts';

const dataset = `0x${'ab'.repeat(32)}`;

test('every view has an address that leads back to it', () => {
  const routes: Route[] = [
    { view: 'overview' },
    { view: 'fleet' },
    { view: 'rounds' },
    { view: 'agreements' },
    { view: 'sign-in' },
    { view: 'belief' },
    { view: 'dataset', dataset },
    { view: 'block', dataset, index: 12 },
  ];
  for (const route of routes) assert.deepEqual(routeOf(hashOf(route)), route);
});

test('an address that leads nowhere is the overview, and a block that is no number its dataset', () => {
  for (const hash of ['', '#', '#/nowhere', '#/dataset/0x12', '#/fleet/x', '#/dataset/../../etc']) {
    assert.deepEqual(routeOf(hash), { view: 'overview' });
  }
  for (const index of ['-1', '1e9', 'NaN', '99999999999999999999']) {
    assert.deepEqual(routeOf(`#/dataset/${dataset}/block/${index}`), { view: 'dataset', dataset });
  }
});
