import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATTACHED, type DatasetKind, ENCRYPTED, PLAIN } from '../../core/charter/kind.ts';
import type { DatasetId } from '../../core/ids.ts';
import { type OfferTerms, termsOf } from '../../library/offer-terms.ts';

const dataset = `0x${'ab'.repeat(32)}` as DatasetId;

function terms(kind: DatasetKind, change: Partial<OfferTerms> = {}) {
  return termsOf(
    { dataset, kind },
    {
      blocks: { from: 100, to: 1099 },
      price: 10_000n,
      fee: 150n,
      bond: 500n,
      stake: 1n,
      maxChallenges: 10,
      maxDemands: 10,
      window: 60,
      duration: 3600,
      ...change,
    },
    (term) => `--${term}`,
  );
}

describe('the terms that an offer has where nothing else is said', () => {
  it('of an encrypted dataset: an audit’s worth of samples, one of them with content', () => {
    const { first, count, samples, previews } = terms(ENCRYPTED);
    assert.deepEqual([first, count, samples, previews], [100, 1000, 460, 1]);
    assert.equal(terms(ENCRYPTED, { blocks: { from: 0, to: 9 } }).samples, 10);
  });

  it('of a dataset whose samples are the content: what the fee pays for, so that nobody reads all for the fee', () => {
    for (const kind of [PLAIN, ATTACHED] as const) {
      const { samples, previews } = terms(kind);
      assert.deepEqual([samples, previews], [15, 0]);
      assert.equal(terms(kind, { fee: 0n }).samples, 1);
      assert.equal(
        terms(kind, { blocks: { from: 0, to: 999_999 }, fee: 500n }).samples,
        4096,
        'no more than OCASC takes',
      );
    }
  });

  it('is refused where a consumer could never pay, or more is promised than there is', () => {
    assert.throws(() => terms(ENCRYPTED, { duration: 60 }), /longer than --window, 60 s/);
    assert.throws(() => terms(ENCRYPTED, { fee: 501n }), /at most the price, 10000, and the bond, 500/);
    assert.throws(() => terms(ENCRYPTED, { samples: 4097 }), /at most 4096/);
    assert.throws(() => terms(ENCRYPTED, { previews: 9 }), /at most 8 of the 460 samples/);
    assert.throws(() => terms(ENCRYPTED, { samples: 2, previews: 3 }), /at most 2 of the 2 samples/);
    assert.throws(() => terms(ENCRYPTED, { maxDemands: 65_536 }), /--maxDemands is 65536; at most 65535/);
  });
});
