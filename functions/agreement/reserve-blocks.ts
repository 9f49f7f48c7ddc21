import { dueFor, paidBlocks } from '../../core/agreement/quota.ts';
import { concatBytes, u32 } from '../../core/bytes.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import { Problem } from '../answer/problem.ts';
import type { Access } from '../rights/access.ts';
import { type AgreementPorts, changeAgreementEntry } from '../state/agreement-entry.ts';
import type { AgreementEntry } from '../state/entries.ts';
import { ceilingOf, type Delivered, type Ruling, ruleDelivery, ruleRange } from './rule-blocks.ts';

const OFFSET_BYTES = 4;

/**
 * Which of these blocks the caller may have now. What uses up samples is written down before this returns, by one
 * conditional update: whatever races, no block is delivered that the agreement does not allow, and a repeat is free
 * (specification#delivery).
 * @throws StoreUnavailableError when the table does not answer
 */
export async function reserveBlocks(
  ports: AgreementPorts,
  access: Access | null,
  blocks: readonly number[],
  signal?: AbortSignal,
): Promise<Ruling> {
  if (access === null) return { allowed: blocks, refusals: [] };
  const { agreement, grants } = access;
  if (grants === null) return ruleRange(access, blocks);
  let ruling: Ruling = { allowed: [], refusals: [] };
  await changeAgreementEntry(
    ports,
    agreement.id,
    (entry) => {
      const delivered = deliveredOf(agreement, entry);
      const { newSamples, ...ruled } = ruleDelivery({ agreement, grants }, blocks, delivered);
      ruling = ruled;
      const noted = noteDue(agreement, entry, delivered.due);
      if (newSamples.length === 0) return noted;
      return { ...(noted ?? entry), samples: samplesOf(agreement, [...delivered.sampled, ...newSamples]) };
    },
    signal,
  );
  return ruling;
}

/**
 * Lets a caller have the whole of a batch.
 * @throws Problem unless every block of it is for sale, granted and, for a consumer, paid for
 */
export async function requireWholeBatch(
  ports: AgreementPorts,
  access: Access | null,
  { first, count }: { readonly first: number; readonly count: number },
  signal?: AbortSignal,
): Promise<void> {
  if (access === null) return;
  const { agreement, grants } = access;
  const blocks = Array.from({ length: count }, (_, i) => first + i);
  const [refusal] = ruleRange(access, blocks).refusals;
  if (refusal !== undefined) throw new Problem(refusal.problem, `Block ${refusal.index}: ${refusal.reason}`);
  if (grants === null) return;

  let delivered: Delivered | undefined;
  await changeAgreementEntry(
    ports,
    agreement.id,
    (entry) => {
      delivered = deliveredOf(agreement, entry);
      return noteDue(agreement, entry, delivered.due);
    },
    signal,
  );
  const { due, sampled } = delivered as Delivered;
  const { terms } = agreement;
  const wanted = first - terms.first + count;
  if (wanted > paidBlocks(terms, due)) {
    throw new Problem(
      '/problems/not-paid',
      `Some blocks of this batch are not paid for. A voucher for ${dueFor(terms, wanted)} pays for them.`,
    );
  }
  const ceiling = ceilingOf({ agreement, grants });
  if (wanted > ceiling - sampled.size) {
    throw new Problem(
      '/problems/no-grant',
      `The owner's grants let this service show at most ${ceiling} blocks for an agreement, including samples.`,
    );
  }
}

function deliveredOf({ terms, due }: Agreement, entry: AgreementEntry): Delivered {
  const dues = [due, BigInt(entry.due ?? 0), BigInt(entry.countedDue ?? 0)];
  const sampled = new Set<number>();
  const { samples } = entry;
  if (samples !== undefined) {
    const view = new DataView(samples.buffer, samples.byteOffset, samples.byteLength);
    for (let at = 0; at < samples.length; at += OFFSET_BYTES) sampled.add(terms.first + view.getUint32(at));
  }
  return { due: dues.reduce((highest, one) => (one > highest ? one : highest)), sampled };
}

/**
 * Under a ceiling, more that is paid for leaves fewer samples. So what the chain says to be due is noted before it is
 * counted on: another process may not have read it yet.
 */
function noteDue({ terms }: Agreement, entry: AgreementEntry, due: bigint): AgreementEntry | null {
  // The fee is due to begin with.
  const known = [terms.fee, BigInt(entry.due ?? 0), BigInt(entry.countedDue ?? 0)];
  return known.some((one) => one >= due) ? null : { ...entry, countedDue: String(due) };
}

function samplesOf({ terms }: Agreement, blocks: readonly number[]): Uint8Array {
  const offsets = blocks.map((index) => index - terms.first).sort((a, b) => a - b);
  return concatBytes(...offsets.map(u32));
}
