import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { utf8 } from '../../core/bytes.ts';
import { canonicalJson } from '../../core/evidence/canonical-json.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import { evidenceOf } from './evidence-fixture.ts';

/* 90 MB of JSON. */
it('evidence brings stored bytes along within a bound, whatever they are', async () => {
  const blocks = Array.from({ length: 65 }, (_, index) => index);
  const { evidence } = await evidenceOf(nodePrimitives, { kind: 1, sizes: [blocks.map(() => 1)], blocks });
  const wire = JSON.parse(new TextDecoder().decode(encodeEvidence(evidence)));
  const bytes = 'A'.repeat(4 * Math.floor(2 ** 20 / 3));
  for (const block of wire.blocks) block.bytes = bytes;
  assert.throws(() => parseEvidence(utf8(canonicalJson(wire))), /stored bytes; at most 67108864/);
});
