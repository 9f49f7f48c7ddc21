import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Charter } from '../../core/charter/charter.ts';
import {
  type CharteredEvent,
  charterHistory,
  charterInForce,
  chartersBefore,
  contradictorySerials,
  deviceSerial,
  doesRoundCount,
} from '../../core/charter/charters-in-force.ts';
import { showContested } from '../../core/charter/contested.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { blocksToExtend, disowningCharter, signerOfBlock } from '../../core/charter/disowned.ts';
import { type Address, address, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';

const ownerKey = new Uint8Array(32).fill(9) as PrivateKey;
const owner = accountOfKey(ownerKey);
const account = (byte: number): Address => address(`0x${byte.toString(16).padStart(2, '0').repeat(20)}`);
const [d1, d2, d3, anchorer, other] = [1, 2, 3, 0xaa, 0xbb].map(account) as [
  Address,
  Address,
  Address,
  Address,
  Address,
];
const charter = (serial: number, change: Partial<Charter> = {}): Charter => ({
  owner,
  name: encodeDatasetName('greenhouse'),
  kind: 0,
  device: d1,
  anchorer,
  serial,
  from: 0,
  ...change,
});
const at = (blockNumber: number, one: Charter, logIndex = 0): CharteredEvent => ({
  blockNumber,
  logIndex,
  charter: one,
});

describe('the charter in force', () => {
  const first = charter(10);
  const second = charter(20, { device: d2, from: 100 });
  const third = charter(30, { device: d2, from: 100, anchorer: other });

  it('is the first until one is on the chain, and then the newest at or before a block', () => {
    const history = charterHistory([first], [at(500, third), at(400, second)]);
    assert.equal(charterInForce(history, 0), first);
    assert.equal(charterInForce(history, 399), first);
    assert.equal(charterInForce(history, 400), second);
    assert.equal(charterInForce(history, 499), second);
    assert.equal(charterInForce(history, 500), third);
    assert.equal(charterInForce(history, 9999), third);
    const sameBlock = charterHistory([first], [at(400, third, 5), at(400, second, 4)]);
    assert.equal(charterInForce(sameBlock, 400), third);
    assert.equal(charterInForce(charterHistory([], []), 5), null);
  });

  it('is the first from the beginning, even where only the chain has it', () => {
    const history = charterHistory([], [at(400, first), at(500, second)]);
    assert.equal(charterInForce(history, 1), first);
    const late = charterHistory([second], [at(400, second)]);
    assert.equal(charterInForce(late, 1), second);
    assert.equal(charterInForce(charterHistory([second, first], []), 1), first);
  });

  it('off the chain: of two of one serial the chain’s, and where it has neither, none', () => {
    const rival = charter(10, { device: d3 });
    assert.equal(charterHistory([first, rival], []).first, null);
    assert.deepEqual(contradictorySerials([first, rival, second], []), [10]);
    assert.equal(charterHistory([rival, first], [at(400, first)]).first, first);
    assert.deepEqual(contradictorySerials([first, rival], [at(400, first)]), []);
    assert.equal(charterHistory([rival], [at(400, first)]).first, first);
    assert.equal(charterHistory([first, { ...first }], []).first, first);
    assert.deepEqual(contradictorySerials([first, { ...first }], []), []);
    assert.equal(charterHistory([first, rival, second], []).first, second);
  });

  it('decides whether a round counts', () => {
    const history = charterHistory([first], [at(500, third), at(600, charter(40, { anchorer: NO_ACCOUNT }))]);
    assert.ok(doesRoundCount(history, { anchorer, blockNumber: 499 }));
    assert.ok(!doesRoundCount(history, { anchorer: other, blockNumber: 499 }));
    assert.ok(doesRoundCount(history, { anchorer: other, blockNumber: 500 }));
    assert.ok(!doesRoundCount(history, { anchorer, blockNumber: 500 }));
    assert.ok(!doesRoundCount(history, { anchorer: NO_ACCOUNT, blockNumber: 700 }));
    assert.ok(!doesRoundCount(charterHistory([], []), { anchorer, blockNumber: 1 }));
  });

  it('gives a device the serial of the first charter that names it', () => {
    const history = charterHistory([first], [at(400, second), at(500, third)]);
    assert.equal(deviceSerial(history, d1), 10);
    assert.equal(deviceSerial(history, d2), 20);
    assert.equal(deviceSerial(history, d3), null);
  });
});

describe('disowned blocks', () => {
  const first = charter(10);
  const second = charter(20, { device: d2, from: 100 });
  const again = charter(30, { device: d2, from: 100, anchorer: other });
  const third = charter(40, { device: d3, from: 70 });
  const history = charterHistory([first], [at(400, second), at(500, again), at(600, third, 2)]);

  it('are those at or above a charter’s from whose signer is an earlier device', () => {
    assert.equal(disowningCharter(history, 69, d1), null);
    assert.equal(disowningCharter(history, 70, d1), third);
    assert.equal(disowningCharter(history, 99, d2), third);
    assert.equal(disowningCharter(history, 100, d1), second);
    assert.equal(disowningCharter(history, 69, d2), null);
    assert.equal(disowningCharter(history, 5000, d3), null);
    // A later device's head may cover blocks below its from: it has taken them over.
    assert.equal(disowningCharter(history, 5, d3), null);
    assert.equal(disowningCharter(history, 5000, other), null);
  });

  it('are not those of a device that only changed its anchorer', () => {
    const only = charterHistory([first], [at(400, charter(20, { anchorer: other }))]);
    assert.equal(disowningCharter(only, 5000, d1), null);
  });

  it('of a device named again are those it signed in between', () => {
    const back = charterHistory([first], [at(400, second), at(500, charter(30, { device: d1, from: 200 }))]);
    assert.equal(disowningCharter(back, 150, d1), second);
    assert.equal(disowningCharter(back, 200, d1), null);
    assert.equal(disowningCharter(back, 200, d2)?.serial, 30);
    assert.equal(disowningCharter(back, 199, d2), null);
  });

  it('for an agreement go by the charters before its offer alone', () => {
    const before = chartersBefore(history, { blockNumber: 600, logIndex: 2 });
    assert.equal(disowningCharter(before, 99, d2), null);
    assert.equal(disowningCharter(before, 100, d1), second);
    const after = chartersBefore(history, { blockNumber: 600, logIndex: 3 });
    assert.equal(disowningCharter(after, 99, d2), third);
    assert.equal(disowningCharter(chartersBefore(history, { blockNumber: 1, logIndex: 0 }), 100, d1), null);
  });

  it('have the signer of the first final head that covers them, before that of their manifest', () => {
    const heads = [
      { blockNumber: 30, logIndex: 0, size: 300, signer: d2 },
      { blockNumber: 10, logIndex: 1, size: 100, signer: d1 },
      { blockNumber: 10, logIndex: 0, size: 50, signer: d3 },
    ];
    assert.equal(signerOfBlock(heads, 49, d2), d3);
    assert.equal(signerOfBlock(heads, 50, d2), d1);
    assert.equal(signerOfBlock(heads, 99, null), d1);
    assert.equal(signerOfBlock(heads, 100, d1), d2);
    assert.equal(signerOfBlock(heads, 300, d1), d1);
    assert.equal(signerOfBlock(heads, 300, null), null);
    assert.equal(signerOfBlock([], 0, null), null);
  });

  it('need not be extended where they are only anchored', () => {
    const head = { blockNumber: 1, logIndex: 0, size: 150, signer: d1 };
    assert.equal(blocksToExtend(history, { ...head, isRecorded: true }), 150);
    assert.equal(blocksToExtend(history, { ...head, isRecorded: false }), 70);
    assert.equal(blocksToExtend(history, { ...head, size: 70, isRecorded: false }), 70);
    assert.equal(blocksToExtend(history, { ...head, size: 71, isRecorded: false }), 70);
    assert.equal(blocksToExtend(history, { ...head, size: 0, isRecorded: false }), 0);
    assert.equal(blocksToExtend(history, { ...head, signer: d3, isRecorded: false }), 150);
    assert.equal(blocksToExtend(charterHistory([first], []), { ...head, isRecorded: false }), 150);
    const early = charterHistory([first], [at(400, second)]);
    assert.equal(blocksToExtend(early, { ...head, isRecorded: false }), 100);
  });
});

describe('contested heads', () => {
  const first = charter(10);
  const second = charter(20, { device: d2, from: 100 });
  const history = charterHistory([first], [at(400, second, 3)]);
  const head = (blockNumber: number, logIndex: number, signer: Address) => ({
    blockNumber,
    logIndex,
    size: 150,
    signer,
  });

  it('are shown with signer, charter and chain block, the earlier one first', () => {
    const [early, late] = [head(300, 7, d1), head(400, 9, d2)];
    for (const shown of [showContested(history, 120, early, late), showContested(history, 120, late, early)]) {
      assert.deepEqual(shown, {
        fork: 120,
        branches: [
          { ...early, charter: first },
          { ...late, charter: second },
        ],
        fault: null,
      });
    }
  });

  it('are the fault of an account that signed both, and of nobody between two devices', () => {
    assert.equal(showContested(history, 5, head(300, 1, d1), head(300, 2, d1)).fault, d1);
    const inOneBlock = showContested(history, 5, head(400, 4, d2), head(400, 2, d1));
    assert.deepEqual(
      inOneBlock.branches.map(({ signer }) => signer),
      [d1, d2],
    );
  });

  it('name no charter where none had named the signer yet', () => {
    const shown = showContested(history, 5, head(400, 2, d2), head(500, 0, d3));
    assert.deepEqual(
      shown.branches.map((branch) => branch.charter),
      [null, null],
    );
  });
});
