import { counted } from '../../core/counted.ts';
import { ArgumentError, StateError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { CssN, CssY, RecordSource } from '../../core/ports/css.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { CssYEvidence } from '../../core/protocols/challenge-storage.ts';
import { verifyConsumerCssN } from '../../core/protocols/consumer-css-n.ts';
import { verifyConsumerCssY } from '../../core/protocols/consumer-css-y.ts';
import type { RequestKeys } from '../../core/protocols/judge-with-keys.ts';
import { chooseDistinct } from '../../core/sampling/choose-blocks.ts';
import { DEFAULT_SAMPLE } from '../../core/sampling/confidence.ts';
import { type AuditReport, auditBlocks, type OnVerdicts } from '../audit-blocks.ts';
import { checkContent } from './check-content.ts';
import type { Purchase, PurchaseLog } from './open-purchase.ts';
import type { PurchaseStore } from './purchase-state.ts';
import type { VerifiedBlock } from './verified-block.ts';

/** What an audit of a purchase needs. */
export interface PurchaseAuditDeps {
  readonly primitives: Primitives;
  /** Asked under the agreement. */
  readonly service: CssY & CssN & RecordSource;
  readonly requestKeys: RequestKeys;
  readonly store: PurchaseStore;
  /**
   * Receives each decrypted preview: a block of the sample whose content the owner opens. Protocol III fetches these blocks for
   * it, and no others.
   */
  readonly onPreview?: (block: VerifiedBlock) => void;
}

export interface PurchaseAudit {
  readonly purchase: Purchase;
  readonly log: PurchaseLog;
  /** III asks the storage for proofs or hashes, IV for the blocks. */
  readonly protocol: 'III' | 'IV';
  /** For III: `possession` unless hashes are enough. */
  readonly evidence: CssYEvidence;
  /** How many blocks; the smaller of 460 and what the agreement leaves when absent. */
  readonly sample?: number;
  /** The damaged fraction for which the report states the confidence. */
  readonly fraction: number;
}

/**
 * Protocol III or IV over a random sample of what is for sale. The sample counts against the agreement once it is drawn; after
 * an interruption, the next audit continues with the same blocks.
 * @throws StateError when the agreement leaves no sample; ArgumentError when it leaves a smaller one
 *
 * @example
 * const deps = { primitives, service: consumerService, requestKeys: channel.requestKeys, store: purchaseStore };
 * const audit = { purchase, log: purchaseLog, protocol: 'III', evidence: 'possession', sample: 1, fraction: 0.01 } as const;
 * console.log((await auditPurchase(deps, audit)).counts.intact); // 1
 */
export async function auditPurchase(
  deps: PurchaseAuditDeps,
  audit: PurchaseAudit,
  onVerdicts?: OnVerdicts,
  signal?: AbortSignal,
): Promise<AuditReport> {
  const { primitives, store } = deps;
  const { purchase, log, protocol } = audit;
  const { first, count } = purchase.terms;
  const sample = store.state.openSample ?? (await drawSample(deps, audit));
  const evidence = protocol === 'IV' ? 'retrieved' : audit.evidence;
  const { onPreview = () => {} } = deps;
  const css = protocol === 'IV' || deps.onPreview !== undefined ? deps.service : null;
  const content = checkContent({ primitives, log: log.log, css, onPreview }, deps.requestKeys);
  const consumer = {
    primitives,
    log: log.log,
    records: deps.service,
    css: deps.service,
    requestKeys: content.requestKeys,
    signerOf: log.signerOf,
  };
  const report = await auditBlocks(
    primitives,
    log,
    {
      scope: { anchor: 'final', range: { from: first, to: first + count - 1 }, sample, fraction: audit.fraction },
      ...{ protocol, evidence },
    },
    async function* (blocks) {
      const verdicts =
        protocol === 'IV'
          ? verifyConsumerCssN(consumer, blocks, signal)
          : verifyConsumerCssY(consumer, blocks, audit.evidence, signal);
      for await (const some of verdicts) yield await content.check(some, signal);
    },
    onVerdicts,
  );
  await store.save({ openSample: null });
  return report;
}

/** Table IV step 4, Table V step 3: the consumer's own choice, of blocks that were not sampled before. */
async function drawSample({ primitives, store }: PurchaseAuditDeps, audit: PurchaseAudit): Promise<BlockIndex[]> {
  const { first, count, samples } = audit.purchase.terms;
  const sampled = new Set(store.state.sampled);
  const left = Math.min(samples, count) - sampled.size;
  const wanted = audit.sample ?? Math.min(DEFAULT_SAMPLE, left);
  if (left < 1) {
    throw new StateError(
      `${samples === 1 ? 'The only sample of the agreement is' : `All ${counted(samples, 'sample')} of the agreement are`} used up. Fetch and pay for blocks instead.`,
    );
  }
  if (wanted < 1 || wanted > left) {
    throw new ArgumentError(
      `You asked for ${counted(wanted, 'sample')}, but only ${left} of the agreement's ${samples} are left. Give a --sample of 1 to ${left}.`,
    );
  }
  const unseen = chooseDistinct(primitives, count - sampled.size, wanted);
  const openSample = skipOver(
    [...sampled].map((index) => index - first).sort((a, b) => a - b),
    unseen,
  ).map((place) => first + place);
  await store.save({ openSample, sampled: [...sampled, ...openSample] });
  return openSample;
}

/** The nth numbers that are not among the taken ones; both ascending. */
function skipOver(taken: readonly number[], ranks: readonly number[]): number[] {
  let passed = 0;
  return ranks.map((rank) => {
    while (passed < taken.length && (taken[passed] as number) <= rank + passed) passed++;
    return rank + passed;
  });
}
