import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { type BlockKeys, encodeKeyPayload } from '../../core/agreement/key-payload.ts';
import { keysOfBlock, ownBatch } from '../../core/agreement/own-batch.ts';
import { sealMessage } from '../../core/agreement/seal-message.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import type { BlockKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type ConsumerScene, except } from './consumer-scene.ts';
import { archiveOf } from './memory-sale.ts';
import { flipBit, type RecordedStack, type StackDataset } from './recorded-stack.ts';
import { audit, buy } from './sale-on-stack.ts';

/** What an owner may send for keys: the same for Protocols III and IV. */
export function withstandOwner(scene: () => ConsumerScene): void {
  describe('an owner whose keys do not open what was recorded', () => {
    it('a wrong key, two keys for one block, another block’s record, a key withheld', async () => {
      const { protocol, stack, seller } = scene();
      const agentKey = await stack.funded();
      const bought = await buy(stack, await seller.offer({}, accountOfKey(agentKey)));
      const honest = await keysOf(stack, seller.of);
      const wrongKey = (index: number) => changeBlock(honest, index, (block) => ({ ...block, blockKey: wrong(block) }));
      const stranger = honest[8] as BlockKeys;
      const sayings = [
        // Of two keys for one block the later counts, and only the committed one opens anything.
        wrongKey(6),
        changeBlock(honest, 8, () => null),
        wrongKey(4),
        changeBlock(wrongKey(1), 2, (block) => ({ ...stranger, index: block.index })),
      ];
      for (const [sequence, blocks] of [sayings[0], honest, sayings[2], sayings[3]].entries()) {
        const header = {
          agreement: bought.id,
          from: accountOfKey(agentKey),
          to: bought.purchase.buyer.signer,
          sequence,
        };
        // Each message tells of some blocks only: what is not told again stays as it was.
        const told = [[6], [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11], [4], [1, 2]][sequence] as number[];
        const chosen = (blocks as BlockKeys[]).filter(({ index }) => told.includes(index));
        // The consumer has records of its own, with their proof: the owner's is not what they rest on.
        const payload = encodeKeyPayload({ blocks: chosen, batches: [], proof: [] });
        const { encryptionKey } = bought.purchase.buyer;
        await stack
          .clientOf(agentKey)
          .postMessage(await sealMessage(stack.market.domain, header, encryptionKey, agentKey, payload));
      }
      const { kinds, verdicts } = await audit(stack, bought, { protocol, patienceMs: 1_500 });
      assert.deepEqual(kinds, except([1, 'refused'], [2, 'refused'], [4, 'refused'], [8, 'unavailable']));
      assert.deepEqual(
        [1, 2, 4, 8].map((index) => verdicts[index]?.blame),
        ['owner', 'owner', 'owner', null],
      );
    });
  });
}

/** All keys of a dataset, as its owner makes them from what is stored. */
async function keysOf(stack: RecordedStack, { datasetKey, ...of }: StackDataset): Promise<BlockKeys[]> {
  const paths = await stack.segmentPaths(of);
  const batches = await Promise.all(
    paths.map(async (path) => {
      const { manifest } = readSegment(nodePrimitives, new Uint8Array(await readFile(path)));
      const own = ownBatch(nodePrimitives, datasetKey, archiveOf(nodePrimitives, { manifest } as never));
      return own.blocks.map((_, place) => keysOfBlock(own, own.first + place, false));
    }),
  );
  return batches.flat();
}

function wrong({ blockKey }: BlockKeys): BlockKey {
  const copy = Uint8Array.from(blockKey);
  flipBit(copy);
  return copy as BlockKey;
}

function changeBlock(
  blocks: readonly BlockKeys[],
  index: number,
  change: (block: BlockKeys) => BlockKeys | null,
): BlockKeys[] {
  return blocks.flatMap((block) => (block.index === index ? (change(block) ?? []) : block));
}
