import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { type OddTermCode, type OfferLookedAt, oddTerms } from '../../core/agreement/odd-terms.ts';
import { deriveEncryptionKeys, type EncryptionPublicKey } from '../../core/agreement/seal-message.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { fromHex } from '../../core/bytes.ts';
import { ENCRYPTED, PLAIN } from '../../core/charter/kind.ts';
import { type Address, type DatasetId, NATIVE_COIN } from '../../core/ids.ts';
import type { TokenFacts } from '../../core/ports/tokens.ts';

const DAY = 86_400;
const ETHER = 10n ** 18n;
const GWEI = 10n ** 9n;
const TOKEN = `0x${'70'.repeat(20)}` as Address;
const { publicKey } = await deriveEncryptionKeys(new Uint8Array(32).fill(7));

const TERMS: Terms = {
  ...{ dataset: `0x${'ab'.repeat(32)}` as DatasetId, first: 0, count: 1000, token: NATIVE_COIN },
  ...{ price: ETHER, fee: ETHER / 50n, bond: 2n * ETHER, stakeWei: 10n ** 15n },
  ...{ maxChallenges: 10, maxDemands: 10, samples: 460, previews: 1, windowSeconds: DAY, durationSeconds: 30 * DAY },
  ...{ acceptBySeconds: 2n ** 64n - 1n, consumer: NATIVE_COIN },
};
const HONEST: OfferLookedAt = {
  ...{ terms: TERMS, kind: ENCRYPTED, agent: `0x${'a9'.repeat(20)}` as Address, agentHasCode: false },
  ...{ encryptionKey: publicKey, token: null, isTokenMeant: false, recordedSinceSeconds: 0, nowSeconds: 100 * DAY },
  costs: { answerGas: 122_000n, demandGas: 80_000n, baseFeeWei: 10n * GWEI, gasPriceWei: 11n * GWEI },
};
const KNOWN: TokenFacts = {
  ...{ token: TOKEN, symbol: 'USD', decimals: 6, hasCode: true, isProxy: false, changesAmounts: false },
  ...{ owed: 5n, held: 7n },
};
const withTerms = (change: Partial<Terms>, more: Partial<OfferLookedAt> = {}): Partial<OfferLookedAt> => ({
  terms: { ...TERMS, ...change },
  ...more,
});
const inToken = (facts: Partial<TokenFacts>, more: Partial<OfferLookedAt> = {}): Partial<OfferLookedAt> =>
  withTerms({ token: TOKEN }, { token: { ...KNOWN, ...facts }, isTokenMeant: true, ...more });
const withKey = (hex: string): Partial<OfferLookedAt> => ({ encryptionKey: fromHex(hex) as EncryptionPublicKey });

const CASES: readonly (readonly [string, Partial<OfferLookedAt>, readonly OddTermCode[]])[] = [
  ['an honest offer', {}, []],
  ['one that costs nothing', withTerms({ price: 0n, fee: 0n, bond: 0n }), []],
  // The audit's: ten ether at once, for nothing, in a second. OCASC asks for a window of `minWindow`, and a bond of the fee.
  [
    'the offer of one second that took ten ether',
    withTerms(
      { price: 10n * ETHER, fee: 10n * ETHER, bond: 10n * ETHER, windowSeconds: 1, durationSeconds: 1, samples: 0 },
      { recordedSinceSeconds: 100 * DAY - 3 },
    ),
    ['fee-is-price', 'duration-short', 'dataset-young', 'no-samples'],
  ],
  ['a fee of a tenth of the price', withTerms({ fee: ETHER / 10n }), []],
  ['a fee of a unit more', withTerms({ fee: ETHER / 10n + 1n }), ['fee-high']],
  ['a fee of all but a unit', withTerms({ fee: ETHER - 1n }), ['fee-high']],
  ['a bond of the price', withTerms({ bond: ETHER }), []],
  ['a bond of a unit less', withTerms({ bond: ETHER - 1n }), ['bond-low']],
  ['a duration of four windows', withTerms({ durationSeconds: 4 * DAY }), []],
  ['a duration of a second less', withTerms({ durationSeconds: 4 * DAY - 1 }), ['duration-short']],
  ['a dataset of seven windows', { recordedSinceSeconds: 93 * DAY }, []],
  ['a dataset of a second less', { recordedSinceSeconds: 93 * DAY + 1 }, ['dataset-young']],
  ['a dataset of tomorrow', { recordedSinceSeconds: 101 * DAY }, ['dataset-young']],
  ['a dataset whose beginning nobody knows', { recordedSinceSeconds: null }, ['dataset-young']],
  ['a stake that nobody can pay', withTerms({ stakeWei: ETHER }), ['stake-high']],
  ['a stake where gas itself is dear', withTerms({ stakeWei: ETHER }, { costs: costsAt(10n ** 12n) }), []],
  ['the same without base fee', withTerms({ stakeWei: ETHER }, { costs: costsAt(null, 10n ** 12n) }), []],
  ['no samples', withTerms({ samples: 0, previews: 0 }), ['no-samples']],
  ['no previews', withTerms({ previews: 0 }), ['no-previews']],
  ['no previews of what is open anyway', withTerms({ previews: 0 }, { kind: PLAIN }), []],
  ['a token that the consumer means', inToken({}), []],
  ['one that it has not named', inToken({}, { isTokenMeant: false }), ['token-not-meant']],
  ['no contract at the token', inToken({ hasCode: false, symbol: null }), ['token-no-contract']],
  ['a token without a symbol', inToken({ symbol: null }), ['token-no-name']],
  ['a token without decimals', inToken({ decimals: null }), ['token-no-name']],
  ['a token that rebases, or takes a fee', inToken({ changesAmounts: true }), ['token-changes-amounts']],
  ['a token of which some is gone', inToken({ held: 4n }), ['token-short']],
  ['a token behind a proxy', inToken({ isProxy: true }), ['token-changeable']],
  ['an agent that is a contract', { agentHasCode: true }, ['agent-cannot-sign']],
  ['an encryption key of nothing', withKey('00'.repeat(32)), ['encryption-key-weak']],
  ['one of small order, with the bit that does not count', withKey(`01${'00'.repeat(30)}80`), ['encryption-key-weak']],
  [
    'another of small order',
    withKey('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
    ['encryption-key-weak'],
  ],
];

function costsAt(baseFeeWei: bigint | null, gasPriceWei = baseFeeWei ?? 0n): OfferLookedAt['costs'] {
  return { answerGas: 122_000n, demandGas: 80_000n, baseFeeWei, gasPriceWei };
}

describe('what is odd about an offer', () => {
  for (const [what, change, codes] of CASES) {
    it(`${what}: ${codes.length === 0 ? 'nothing' : codes.join(', ')}`, () => {
      const found = oddTerms({ ...HONEST, ...change });
      assert.deepEqual(
        found.map(({ code }) => code),
        codes,
      );
      for (const { words } of found) assert.match(words, /^[A-Z].*\.$/);
    });
  }

  it('the table of the specification has every code, and no other', async () => {
    const page = await readFile(new URL('../../docs/specification.md', import.meta.url), 'utf8');
    const section = page.slice(page.indexOf('### Odd terms'), page.indexOf('### What a penalty is worth'));
    const said = [...section.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(
      ([, codes = '']) => codes.match(/[a-z-]{3,}/g) ?? [],
    );
    assert.deepEqual(said.toSorted(), [...new Set(CASES.flatMap(([, , codes]) => codes))].toSorted());
  });
});
