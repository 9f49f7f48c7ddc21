import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type PortsOf, portsOf, type ServicePorts } from '../../functions/ports.ts';
import type { FunctionRow, May } from '../../functions/row.ts';
import { variablesOf } from '../../lambda/variables.ts';

/* Each right by itself: the rows of the table have several, and one could hide what another brings too much. */

const CHAIN = [
  ...['PLUMBLINE_RPC_SECRET', 'PLUMBLINE_RPC_SECRET_VERSION', 'PLUMBLINE_CHAIN_ID'],
  'PLUMBLINE_FINAL_DEPTH',
];
const OWNERS = ['PLUMBLINE_TABLE', 'PLUMBLINE_GRANTS_MIN_PER_RECORD_WEI', 'PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES'];
const DISSC = [...CHAIN, 'PLUMBLINE_DISSC', 'PLUMBLINE_FROM_BLOCK'];
const RECORDING = [
  ...['PLUMBLINE_RELAYER_KEY_ID', 'PLUMBLINE_RECORD_EVERY_MS', 'PLUMBLINE_ROUND_EVERY_MS'],
  'PLUMBLINE_KEEP_ROUNDS_DAYS',
];

/** Written down by hand: a right, the ports that it brings, and the variables of the environment. */
const BRINGS: readonly (readonly [May, readonly string[], readonly string[]])[] = [
  [{}, [], []],
  [{ objects: 'read' }, ['objects'], ['PLUMBLINE_BUCKET']],
  [{ objects: 'read-put' }, ['objects'], ['PLUMBLINE_BUCKET']],
  [{ objects: 'read-list-aside' }, ['objects'], ['PLUMBLINE_BUCKET']],
  [{ objects: 'presign-get' }, ['objects'], ['PLUMBLINE_BUCKET']],
  [{ objects: 'read-presign-put' }, ['objects'], ['PLUMBLINE_BUCKET']],
  [{ table: 'read' }, ['table'], ['PLUMBLINE_TABLE']],
  [{ table: 'read-write' }, ['table'], ['PLUMBLINE_TABLE']],
  [{ dissc: 'read' }, ['ledger'], DISSC],
  [{ dissc: 'record' }, ['ledger', 'recorder', 'rounds', 'roundRecorder'], [...DISSC, ...RECORDING]],
  [{ ocasc: 'read' }, ['agreements'], [...CHAIN, 'PLUMBLINE_OCASC']],
  [{ asc: 'read' }, ['grants'], [...CHAIN, 'PLUMBLINE_ASC', 'PLUMBLINE_CSS_ACCOUNT']],
  [{ asc: 'record' }, ['grants', 'grantRecorder'], [...CHAIN, 'PLUMBLINE_ASC']],
  [{ owners: 'read' }, ['owners'], OWNERS],
  [{ queue: 'wake' }, ['anchorQueue'], ['PLUMBLINE_ANCHOR_QUEUE']],
  [{ ipfs: 'import' }, ['p2pfs'], ['PLUMBLINE_IPFS_API', 'PLUMBLINE_IPFS_TOKEN_SECRET']],
];

const COMMON = ['primitives', 'runtime', 'observer', 'settings'];
const EVERY_PORT = [
  ...COMMON,
  ...[
    'objects',
    'table',
    'ledger',
    'recorder',
    'agreements',
    'grants',
    'grantRecorder',
    'owners',
    'anchorQueue',
    'p2pfs',
  ],
];
const every = Object.fromEntries(EVERY_PORT.map((name) => [name, { name }])) as unknown as ServicePorts;

/** Woken, so that nothing comes but what it may touch. */
const rowOf = (may: May): FunctionRow => ({
  name: 'some-function',
  trigger: {
    kind: 'wake',
    everyMs: 1,
    queue: { batch: 1, atOnce: 1, receives: 1, keptSeconds: 1, putAside: { alarm: 'A', says: 's' } },
  },
  invoke: false,
  callers: 'service',
  may,
  limits: { timeoutMs: 1, bodyBytes: 1, memoryMb: 1 },
});

describe('a right by itself', () => {
  for (const [may, ports, variables] of BRINGS) {
    const said = Object.entries(may).flat().join(' ') || 'none';
    test(`brings its ports and its variables, and nothing else: ${said}`, () => {
      const given: PortsOf<FunctionRow> = portsOf(rowOf(may), every);
      assert.deepEqual(Object.keys(given).sort(), [...COMMON, ...ports].sort());
      // Settings are cut to the row: functions/table.test.ts.
      const same = Object.entries(given).filter(([name]) => name !== 'settings');
      for (const [name, port] of same) assert.equal(port, every[name as keyof ServicePorts]);
      assert.deepEqual([...variablesOf(rowOf(may))].sort(), [...variables].sort());
    });
  }

  test('over HTTP a function also knows its hosts, and the chain where callers sign', () => {
    const http = { kind: 'http', method: 'GET', path: '/v1/thing' } as const;
    const open: FunctionRow = { ...rowOf({}), trigger: http, callers: 'anyone' };
    assert.deepEqual([...variablesOf(open)], ['PLUMBLINE_AUTHORITIES']);
    const signed: FunctionRow = { ...open, callers: ['owner'] };
    assert.deepEqual([...variablesOf(signed)].sort(), ['PLUMBLINE_AUTHORITIES', 'PLUMBLINE_CHAIN_ID']);
  });
});
