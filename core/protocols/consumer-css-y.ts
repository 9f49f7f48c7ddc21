import { MAX_RECORD_BLOCKS } from '../limits.ts';
import type { CssY } from '../ports/css.ts';
import type { Verdict } from '../verdict.ts';
import { type CssYEvidence, challengeStorage } from './challenge-storage.ts';
import { type ConsumerProtocol, verifyWindow } from './judge-with-keys.ts';

/** What Protocol III runs on. */
export interface ProtocolThree extends ConsumerProtocol {
  /** The storage, asked under the agreement: ASC lets it answer. */
  readonly css: CssY;
}

/**
 * Protocol III (Table IV): a consumer verifies sampled blocks on storage that can hash. Steps 1–3, the agreement (OCASC),
 * the grant (ASC) and what is to be known of the storage, lie behind; so does 4, the sample, which is the consumer's own.
 * The storage is challenged (6–7) before the owner is asked for the keys of the sample (5): in the paper's order an owner
 * could warn the storage. Gives one verdict for each block asked for, window by window of 512.
 */
export async function* verifyConsumerCssY(
  deps: ProtocolThree,
  blocks: readonly number[],
  evidence: CssYEvidence,
  signal?: AbortSignal,
): AsyncGenerator<Verdict[]> {
  for (let at = 0; at < blocks.length; at += MAX_RECORD_BLOCKS) {
    signal?.throwIfAborted();
    const storage = { primitives: deps.primitives, css: deps.css, dataset: deps.log.dataset };
    yield await verifyWindow(
      deps,
      evidence,
      blocks.slice(at, at + MAX_RECORD_BLOCKS),
      // Table IV steps 6–7: BlockIDs to the CSS, hashes or chunks back.
      (records) => challengeStorage(storage, records, evidence, signal),
      signal,
    );
  }
}
