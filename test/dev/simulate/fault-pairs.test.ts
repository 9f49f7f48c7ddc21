import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ALL_FAULT_KINDS, type Fault, type FaultKind } from '../../../dev/simulate/faults/fault.ts';
import { rememberSignatures } from '../../../dev/simulate/remember-signatures.ts';

rememberSignatures();
const { loadFunctions } = await import('../../../dev/simulate/service/run-service.ts');
const { simulateSeed } = await import('../../../dev/simulate/simulate-seed.ts');

before(loadFunctions);

/*
 * Two faults at once, chosen by hand: one hides what the other would show, or undoes what mends it. Each pair must have struck, and
 * in the end all is checked within the bound, once, and nothing that must never be has been.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Seeds of worlds without a sale, which has faults of its own: a folder of files, and a stream of lines. */
const FILES = 3;
const LINES = 2;

type Given = Pick<Fault, 'kind'> & Partial<Fault>;

const PAIRS: Readonly<Record<string, readonly [Given, Given]>> = {
  'a captive portal answers uploads, and the clock jumps to 2099': [
    { kind: 'lying-put', untilMs: 15 * MINUTE_MS },
    { kind: 'clock-jump', fromMs: 8 * MINUTE_MS, size: 73 * 365 * 24 * HOUR_MS },
  ],
  'events are lost, and the table is put back': [
    { kind: 'event-lost', untilMs: 20 * MINUTE_MS },
    { kind: 'table-rolled-back', fromMs: 18 * MINUTE_MS, size: 10 * MINUTE_MS },
  ],
  'the disk is full, and a copy of the card begins to write': [
    { kind: 'disk-full', untilMs: 25 * MINUTE_MS },
    { kind: 'clone', fromMs: 10 * MINUTE_MS },
  ],
  'a reorganisation keeps later transactions, and the node of the device lags': [
    { kind: 'reorg', fromMs: 10 * MINUTE_MS, size: 12, where: 'some' },
    { kind: 'node-stale', untilMs: 25 * MINUTE_MS, size: 20, where: 'device' },
  ],
  'a file cannot be read, and the power fails': [
    { kind: 'file-unreadable', untilMs: 20 * MINUTE_MS },
    { kind: 'power-cut', fromMs: 8 * MINUTE_MS, size: 3, where: 'after' },
  ],
  'the storage omits objects, and the table is lost': [
    { kind: 'storage-omits', untilMs: 10 * MINUTE_MS },
    { kind: 'table-lost', fromMs: 8 * MINUTE_MS },
  ],
  'the chain stands still, and the power fails': [
    { kind: 'chain-still', untilMs: 20 * MINUTE_MS },
    { kind: 'power-cut', fromMs: 15 * MINUTE_MS, size: 1, where: 'before' },
  ],
  'the folder is gone, and the disk is read-only': [
    { kind: 'folder-gone', untilMs: 12 * MINUTE_MS },
    { kind: 'disk-readonly', fromMs: 6 * MINUTE_MS, untilMs: 20 * MINUTE_MS },
  ],
};

const ALWAYS: Omit<Fault, 'kind' | 'id'> = { fromMs: 2 * MINUTE_MS, untilMs: 30 * MINUTE_MS, size: 1, where: '' };

for (const [what, pair] of Object.entries(PAIRS)) {
  test(what, async () => {
    const plan = pair.map((given, id): Fault => ({ ...ALWAYS, ...given, id }));
    // Only what writes a stream is cloned.
    const seed = plan.some(({ kind }) => kind === 'clone') ? LINES : FILES;
    const { failures, faults } = await simulateSeed(seed, { kinds: ALL_FAULT_KINDS, plan });
    const missed = plan.map(({ kind }): FaultKind => kind).filter((kind) => (faults[kind] ?? 0) === 0);
    assert.deepEqual({ failures, missed }, { failures: [], missed: [] });
  });
}
