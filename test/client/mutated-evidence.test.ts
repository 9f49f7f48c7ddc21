import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { type CheckedTimestamp, checkTimestamp } from '../../adapters/timestamp/check-timestamp.ts';
import { parseRoots } from '../../adapters/timestamp/parse-roots.ts';
import { reportEvidence } from '../../client/evidence/report-evidence.ts';
import { witnessEvidence } from '../../client/evidence/witness-evidence.ts';
import { equalBytes, to0x, utf8 } from '../../core/bytes.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { canonicalJson } from '../../core/evidence/canonical-json.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import { EvidenceError, type EvidenceFile } from '../../core/evidence/evidence.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import { timestampMessage } from '../../core/evidence/timestamp.ts';
import { type EvidenceFinding, verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { makeAuthority, makeToken, pemOf } from '../adapters/timestamp/make-authority.ts';
import { draws } from '../core/draw.ts';
import { AT_MS, evidenceOf, type FixtureOptions } from '../core/evidence-fixture.ts';
import { trueChain } from '../core/true-chain.ts';

/** In all; nightly as many as make sure that every field was met in every way. */
const IS_NIGHTLY = process.env.PLUMBLINE_NIGHTLY === '1';
const MUTATIONS = IS_NIGHTLY ? 10_000 : 600;

const FILES: Readonly<Record<string, FixtureOptions>> = {
  'recorded, opened, with bytes': { open: true, withBytes: true },
  anchored: { anchored: true },
  'attached, with its charter on the chain': { kind: 2 },
  stamped: { open: true },
  'a time': { kind: 1, blocks: [1, 2, 3, 4, 5], range: { from: AT_MS + 2000, to: AT_MS + 4000 } },
};

let hashes = 0;
const counting: Primitives = {
  ...nodePrimitives,
  sha256: (data) => {
    hashes++;
    return nodePrimitives.sha256(data);
  },
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Draw = (below: number) => number;

/** Every place in a value: where it is, and how to put another there. */
function places(value: Json, put: (other: Json) => void): { value: Json; put: (other: Json) => void }[] {
  const here = [{ value, put }];
  if (value === null || typeof value !== 'object') return here;
  const entries = Object.entries(value) as [string, Json][];
  return here.concat(
    entries.flatMap(([key, inner]) => places(inner, (other) => Object.assign(value, { [key]: other }))),
  );
}

const HEX = '0123456789abcdef';

function mutateValue(value: Json, pick: Draw): Json {
  const any: Json[] = [null, 0, 1, -1, 2 ** 53 - 1, '', '0x', `0x${'00'.repeat(32)}`, [], {}, true];
  if (pick(4) === 0) return any[pick(any.length)] as Json;
  if (typeof value === 'number') return value + ([-1, 1, 256, -value][pick(4)] as number);
  if (typeof value === 'string') {
    const at = pick(value.length || 1);
    const others = value.startsWith('0x') ? HEX : 'ABCxyz019+/';
    return [
      `${value.slice(0, at)}${others[pick(others.length)]}${value.slice(at + 1)}`,
      value.slice(0, -2),
      `${value}00`,
      value.toUpperCase(),
    ][pick(4)] as string;
  }
  if (Array.isArray(value)) {
    const at = pick(value.length || 1);
    return [
      value.filter((_, i) => i !== at),
      [...value, value[at] ?? 0],
      value.toReversed(),
      value.with(value.length === 0 ? 0 : at, value[pick(value.length || 1)] ?? 0),
    ][value.length === 0 ? 1 : pick(4)] as Json;
  }
  return value;
}

/** A file that is another than the original: a field changed and written in the one form, or bytes of the file. Fields that were met are noted. */
function mutate(original: Uint8Array, pick: Draw, met: { readonly fields: Set<number>; of: number }): Uint8Array {
  if (pick(4) === 0) {
    const bytes = original.slice();
    const at = pick(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << pick(8));
    return [bytes, bytes.slice(0, at), new Uint8Array([...original.slice(0, at), pick(256), ...original.slice(at)])][
      pick(3)
    ] as Uint8Array;
  }
  const root: { value: Json } = { value: JSON.parse(new TextDecoder().decode(original)) };
  const all = places(root.value, (other) => {
    root.value = other;
  });
  const field = pick(all.length);
  met.fields.add(field);
  met.of = all.length;
  const { value, put } = all[field] as (typeof all)[number];
  put(mutateValue(value, pick));
  return utf8(canonicalJson(root.value));
}

/** Whether all that a file says is what the original says: it may say less. */
function saysNoMore(original: EvidenceFile, other: EvidenceFile, finding: EvidenceFinding): boolean {
  const same = (a: unknown, b: unknown): boolean => canonicalJson(plain(a)) === canonicalJson(plain(b));
  const blocks = other.blocks.every((block) => {
    const true_ = original.blocks.find(({ index }) => index === block.index);
    if (true_ === undefined || !same(block.opening, true_.opening) || !same(block.record, true_.record)) return false;
    return (['meta', 'contentKey', 'object', 'bytes'] as const).every(
      (field) => block[field] === null || same(block[field], true_[field]),
    );
  });
  const charters = other.charters.every(({ charter, chartered }) =>
    original.charters.some(
      (one) =>
        same({ ...one.charter, signature: null }, { ...charter, signature: null }) &&
        (chartered === null || same(chartered, one.chartered)),
    ),
  );
  const within = (range: NonNullable<EvidenceFile['range']>): boolean => {
    const wanted = original.blocks.filter(
      ({ index }) => AT_MS + 1000 * index >= range.from && AT_MS + 1000 * index <= range.to,
    );
    return same(
      wanted.map(({ index }) => index),
      finding.blocks,
    );
  };
  return (
    same(other.domain, original.domain) &&
    other.dataset === original.dataset &&
    same(other.head, original.head) &&
    same(other.record, original.record) &&
    same(other.round, original.round) &&
    blocks &&
    charters &&
    (other.range === null || within(other.range)) &&
    other.after.every((one) => original.after.some((named) => same(named, one)))
  );
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return to0x(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

describe('evidence that was changed in any field', () => {
  let roots: ReturnType<typeof parseRoots>;
  let stamp: (evidence: EvidenceFile) => Promise<EvidenceFile>;
  before(async () => {
    const { root, issuer, signer } = await makeAuthority();
    roots = parseRoots(pemOf(root));
    stamp = async (evidence) => {
      const imprint = nodePrimitives.sha256(timestampMessage(nodePrimitives, evidence.head));
      return { ...evidence, timestamp: await makeToken(imprint, { signer, others: [issuer] }) };
    };
  });
  /** As `plumb verify --tsa-roots` does. */
  const verify = async (evidence: EvidenceFile): Promise<CheckedTimestamp> => {
    const finding = verifyEvidence(counting, evidence, { dissc: DISSC_ADDRESS });
    return checkTimestamp(counting, evidence, finding, roots);
  };

  for (const [name, options] of Object.entries(FILES)) {
    it(`is refused, does not hold, or is contradicted by the chain: ${name}`, async () => {
      const made = (await evidenceOf(nodePrimitives, options)).evidence;
      const evidence: EvidenceFile =
        name === 'stamped'
          ? await stamp(made)
          : name.includes('charter on the chain')
            ? {
                ...made,
                charters: made.charters.map(({ charter }) => ({
                  charter,
                  chartered: { txHash: new Uint8Array(32).fill(5), blockNumber: 7 },
                })),
              }
            : made;
      const file = encodeEvidence(evidence);
      const { finding: truth, timestamp: stamped } = await verify(evidence);
      assert.equal(truth.reason, null);
      const chain = trueChain(evidence, truth);
      assert.equal(
        reportEvidence(evidence, truth, [], await witnessEvidence(counting, evidence, truth, chain), stamped).verdict,
        'intact',
      );
      hashes = 0;
      verifyEvidence(counting, evidence, { dissc: DISSC_ADDRESS });
      const enough = 4 * hashes + 1_000;

      const pick = draws(`mutated evidence, ${name}`);
      const met = { fields: new Set<number>(), of: 0 };
      const ends = { refused: 0, fails: 0, contradicted: 0, less: 0 };
      for (let i = 0; i < MUTATIONS / Object.keys(FILES).length; i++) {
        const other = mutate(file, pick, met);
        if (equalBytes(other, file)) continue;
        hashes = 0;
        let parsed: EvidenceFile;
        try {
          parsed = parseEvidence(other);
        } catch (error) {
          assert.ok(error instanceof EvidenceError && error.where !== '', String(error));
          ends.refused++;
          continue;
        }
        const { finding, timestamp } = await verify(parsed);
        assert.ok(hashes <= enough, `${hashes} hashes`);
        if (!finding.holds) {
          assert.notEqual(finding.reason, null);
          ends.fails++;
          continue;
        }
        const facts = await witnessEvidence(counting, parsed, finding, chain);
        const { verdict } = reportEvidence(parsed, finding, [], facts, timestamp);
        if (verdict !== 'intact') ends.contradicted++;
        else {
          if (timestamp !== undefined) assert.deepEqual(timestamp, stamped);
          assert.ok(saysNoMore(evidence, parsed, finding), `accepted: ${new TextDecoder().decode(other)}`);
          ends.less++;
        }
      }
      if (IS_NIGHTLY) assert.equal(met.fields.size, met.of, 'a field was never changed');
      assert.ok(ends.refused > 0 && ends.fails > 0 && ends.contradicted > 0, JSON.stringify(ends));
    });
  }
});
