import type { BlockMeta } from '../../core/block/meta.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { PlumblineError } from '../../core/errors.ts';
import type { BlockIndex, DatasetId } from '../../core/ids.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { DatasetKeyOf } from '../../core/protocols/owner-keys.ts';
import { proveRecords } from '../../core/protocols/prove-records.ts';
import type { DamagedRange } from '../damaged-ranges.ts';
import type { AnchoredHead } from '../read-anchor.ts';
import type { OpenSource } from './block-source.ts';
import { judgeStored } from './judge-stored.ts';
import { type Whereabouts, whereaboutsOf } from './whereabouts.ts';

export interface LocateDeps {
  readonly primitives: Primitives;
  readonly openSource: OpenSource;
}

const PARALLEL_RANGES = 8;
/** Neighbours looked at on either side, for one that is intact. */
const MOST_STEPS = 3;

/**
 * Which files and hours damaged blocks are of: by their recorded metas where the storage still lists them, else by the
 * verified blocks beside them. It looks at the ends of each range and at a few blocks beside it. Null where the storage
 * shows nothing.
 *
 * @example
 * import { readAnchor } from 'plumbline/client/read-anchor';
 * const log = await readAnchor(ledger, dataset, 'final', fromBlock);
 * const damaged = { from: 2, to: 2, verdict: 'corrupted', reason: 'Its bytes differ.', blame: null, signer: null } as const;
 * const [where] = await locateDamage({ primitives, openSource }, log, { dataset, datasetKeyOf }, [damaged]);
 * console.log(where?.isExact); // true
 */
export async function locateDamage(
  { primitives, openSource }: LocateDeps,
  log: AnchoredHead,
  keys: { readonly dataset: DatasetId; readonly datasetKeyOf: DatasetKeyOf },
  ranges: readonly DamagedRange[],
  signal?: AbortSignal,
): Promise<(Whereabouts | null)[]> {
  const found: (Whereabouts | null)[] = ranges.map(() => null);
  try {
    const source = await openSource(log, signal);
    const owner = { primitives, ...keys, signerOf: log.signerOf };
    const judging = { owner, source, readKept: async () => null };
    const look = async (index: BlockIndex) => {
      const proof = { hasher: primitives, records: source.records };
      const { proven } = await proveRecords(proof, log.heads, [index], signal);
      const [record] = proven;
      return record === undefined ? null : judgeStored(judging, record, source.retrieveOne, signal);
    };
    const beside = async (from: BlockIndex, step: 1 | -1): Promise<BlockMeta | null> => {
      for (let at = from, steps = 0; at >= 0 && at < log.head.size && steps < MOST_STEPS; at += step, steps++) {
        const meta = (await look(at))?.meta;
        if (meta) return meta;
      }
      return null;
    };
    await eachInParallel([...ranges.entries()], PARALLEL_RANGES, async ([i, { from, to }]) => {
      const before = await beside(from - 1, -1);
      const after = await beside(to + 1, 1);
      const ends = await Promise.all([...new Set([from, to])].map(look));
      found[i] = whereaboutsOf(ends.map((end) => ({ about: end?.about ?? end?.meta ?? null, before, after })));
    });
  } catch (cause) {
    signal?.throwIfAborted();
    // An audit is over before its damage is located: a storage that stops answering takes nothing from it.
    if (!(cause instanceof PlumblineError)) throw cause;
  }
  return found;
}
