import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../core/bytes.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { canonicalJson } from '../../core/evidence/canonical-json.ts';
import { checkData } from '../../core/evidence/check-data.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import { EvidenceError } from '../../core/evidence/evidence.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import { verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import { address } from '../../core/ids.ts';
import { beyondBounds } from '../../core/json-bounds.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { exampleEvidence } from '../../dev/specification/example-evidence.ts';
import { BOTH } from './both-primitives.ts';
import { AT_MS, evidenceOf, joined } from './evidence-fixture.ts';
import { OWNER_KEY } from './honest-storage.ts';

/** A contract that somebody has written who wishes that it recorded something. */
const OTHER_CONTRACT = address(`0x${'d1'.repeat(20)}`);

async function* pieces(bytes: Uint8Array, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

for (const { name, primitives } of BOTH) {
  describe(`evidence, on ${name}`, () => {
    for (const kind of [0, 1, 2] as const) {
      for (const anchored of [false, true]) {
        it(`of kind ${kind}, ${anchored ? 'anchored' : 'recorded'}, holds by itself and is read as it was written`, async () => {
          const { evidence } = await evidenceOf(primitives, { kind, anchored, open: true, withBytes: true });
          const file = encodeEvidence(evidence);
          const parsed = parseEvidence(file);
          assert.deepEqual(parsed, evidence);
          const finding = verifyEvidence(primitives, parsed, { dissc: DISSC_ADDRESS });
          assert.equal(finding.reason, null);
          assert.equal(finding.holds, true);
          assert.equal(finding.owner, accountOfKey(OWNER_KEY));
          assert.deepEqual(finding.blocks, [1, 2, 5]);
          assert.deepEqual(finding.hashed, [1, 2, 5]);
          assert.equal(finding.notBefore?.blockNumber, 90);
          assert.equal(finding.round === null, !anchored);
        });
      }
    }

    it('says which bytes differ, of stored bytes and of content', async () => {
      const { evidence, contents, stored } = await evidenceOf(primitives, { open: true });
      const finding = verifyEvidence(primitives, evidence, { dissc: DISSC_ADDRESS });
      for (const [as, parts] of [
        ['content', contents],
        ['stored', stored],
      ] as const) {
        const whole = joined(parts);
        const data = await checkData(primitives, evidence, finding, whole.length, () => pieces(whole, 700));
        assert.equal(data.is, 'intact');
        assert.equal(data.is === 'intact' && data.as, as);
        whole[(parts[0] as Uint8Array).length + 3]! ^= 1;
        const other = await checkData(primitives, evidence, finding, whole.length, () => pieces(whole, 700));
        assert.equal(other.is, 'different');
        assert.deepEqual(other.is === 'different' && other.differing, [
          { index: 2, offset: (parts[0] as Uint8Array).length, sizeBytes: (parts[1] as Uint8Array).length },
        ]);
      }
      const one = await checkData(primitives, evidence, finding, (contents[1] as Uint8Array).length, () =>
        pieces(contents[1] as Uint8Array, 9),
      );
      assert.deepEqual(one.is === 'intact' && one.blocks, [2]);
      const none = await checkData(primitives, evidence, finding, 3, () => pieces(new Uint8Array(3), 9));
      assert.equal(none.is, 'unknown');
    });

    it('of another contract proves nothing, right as all else is, unless its reader has named that contract', async () => {
      const evidence = parseEvidence(await exampleEvidence(OTHER_CONTRACT));
      const finding = verifyEvidence(primitives, evidence, { dissc: DISSC_ADDRESS });
      assert.deepEqual([finding.holds, finding.steps.length, finding.signer], [false, 1, null]);
      assert.match(
        finding.reason ?? '',
        /on the contract 0xd1(?:d1)+, not on DISSC, which is at 0x[0-9a-f]{40} on every chain/,
      );
      assert.equal(verifyEvidence(primitives, evidence, { dissc: OTHER_CONTRACT }).reason, null);
      const { evidence: ours } = await evidenceOf(primitives);
      const named = verifyEvidence(primitives, ours, { dissc: OTHER_CONTRACT });
      assert.match(named.reason ?? '', /not on 0xd1(?:d1)+, which you named/);
    });

    it('proves a time range whole by the blocks at its ends', async () => {
      const range = { from: AT_MS + 2000, to: AT_MS + 4000 };
      const { evidence } = await evidenceOf(primitives, { blocks: [1, 2, 3, 4, 5], range });
      const finding = verifyEvidence(primitives, evidence, { dissc: DISSC_ADDRESS });
      assert.equal(finding.reason, null);
      assert.deepEqual(finding.blocks, [2, 3, 4]);
      for (const blocks of [
        [2, 3, 4, 5],
        [1, 2, 3, 4],
        [1, 2, 4, 5],
      ]) {
        const { evidence: cut } = await evidenceOf(primitives, { blocks, range });
        assert.match(
          verifyEvidence(primitives, cut, { dissc: DISSC_ADDRESS }).reason ?? '',
          /may be within|leaves gaps/,
        );
      }
      const { evidence: none } = await evidenceOf(primitives, {
        blocks: [6],
        range: { from: AT_MS + 9000, to: AT_MS + 9999 },
      });
      assert.deepEqual(verifyEvidence(primitives, none, { dissc: DISSC_ADDRESS }).blocks, []);
    });
  });
}

describe('an evidence file', () => {
  const [{ primitives }] = BOTH as [(typeof BOTH)[number]];

  it('is refused in any other form than its one', async () => {
    const { evidence } = await evidenceOf(primitives);
    const text = new TextDecoder().decode(encodeEvidence(evidence));
    const value = JSON.parse(text);
    const others: Record<string, string> = {
      'white space': `${text}\n`,
      pretty: JSON.stringify(value, null, 1),
      'unsorted keys': JSON.stringify({ v: 2, ...value }),
      'a key twice': text.replace('"v":2', '"v":2,"v":2'),
      'a float': text.replace('"v":2', '"v":2.0'),
      'an unknown field': canonicalJson({ ...value, w: 1 }),
      'a field less': canonicalJson({ ...value, range: undefined }).replace('"range":undefined,', ''),
      'upper case': text.replace(DISSC_ADDRESS, DISSC_ADDRESS.toUpperCase().replace('X', 'x')),
      'a proto': text.replace('{"after"', '{"__proto__":{},"after"'),
      'neither record nor round': canonicalJson({ ...value, record: null }),
      'blocks twice': canonicalJson({ ...value, blocks: [value.blocks[0], ...value.blocks] }),
      'no JSON': text.slice(0, -1),
      'a BOM': `\ufeff${text}`,
    };
    for (const [what, other] of Object.entries(others)) {
      assert.throws(() => parseEvidence(utf8(other)), EvidenceError, what);
    }
    assert.throws(() => parseEvidence(Uint8Array.of(0x7b, 0xff, 0x7d)), EvidenceError);
  });

  // A parser took 11 GB and 109 s for a file of 145 MB, and died.
  it('is looked through before it is parsed: what nests or branches without end costs nothing', async () => {
    const refused = (text: string, says: RegExp) =>
      assert.throws(
        () => parseEvidence(utf8(text)),
        (error) => error instanceof EvidenceError && says.test(error.message) && error.message.length < 500,
        says.source,
      );
    refused('['.repeat(10_000_000), /nests deeper than 8 levels/);
    refused(`{"v":2,"blocks":${'['.repeat(8)}`, /nests deeper/);
    refused(`{"proof":[1${',1'.repeat(2 ** 21 + 1)}]}`, /more than 2,097,152 members/);
    refused(`{"proof":[1${',1'.repeat(2 ** 20)}]}`, /expected string.*proof\.0/);
    refused(`{"blocks":[1${',{}'.repeat(65_536)}]}`, /65537 members; at most 65536/);
    refused(`{"blocks":[1${',{}'.repeat(65_535)}]}`, /blocks\.0/);
    refused('["v"]', /expected object/);
    refused('null', /expected/);
    const value = JSON.parse(new TextDecoder().decode(encodeEvidence((await evidenceOf(primitives)).evidence)));
    const unknown = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`x${i}`, 1]));
    refused(JSON.stringify({ ...value, ...unknown }), /^Unrecognized keys/);
    const bounds = { maxDepth: 1, maxCommas: 1 };
    for (const text of ['["[,,[{"]', '["\\\\",1]', '["\\\\\\"[[,,"]', '["[[[', '', '"\\"[[']) {
      assert.equal(beyondBounds(text, bounds), null, text);
    }
    for (const text of ['[[', '["\\\\",[]]', '["",{}]', '["\\"",1,2]'])
      assert.notEqual(beyondBounds(text, bounds), null, text);
  });
});
