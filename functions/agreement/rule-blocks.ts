import { admitBlocks, dueFor, MAX_SAMPLES, paidBlocks } from '../../core/agreement/quota.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import type { Answers, Fault } from '../../core/ports/css.ts';
import type { ProblemType } from '../answer/problem.ts';
import type { Access } from '../rights/access.ts';

/** Why a party does not get a block: for a list of answers, and as the problem that an only answer is. */
export interface Refusal extends Fault {
  readonly kind: 'refused';
  readonly problem: Extract<ProblemType, '/problems/forbidden' | '/problems/no-grant' | '/problems/not-paid'>;
}

export interface Ruling {
  readonly allowed: readonly number[];
  readonly refusals: readonly Refusal[];
}

/** What has been delivered and paid so far. */
export interface Delivered {
  readonly due: bigint;
  readonly sampled: ReadonlySet<number>;
}

/** Which blocks are for sale, and within the grants. Hashes are no data: they are not counted. */
export function ruleRange({ agreement: { terms }, grants }: Access, blocks: readonly number[]): Ruling {
  const allowed: number[] = [];
  const refusals: Refusal[] = [];
  const last = terms.first + terms.count - 1;
  for (const index of blocks) {
    if (index < terms.first || index > last) {
      const reason = `The agreement covers only blocks ${terms.first} to ${last}.`;
      refusals.push({ index, kind: 'refused', problem: '/problems/forbidden', reason });
    } else if (grants?.some(({ first, count }) => index >= first && index - first < count) === false) {
      const reason = 'The owner has not granted this service the right to show this block.';
      refusals.push({ index, kind: 'refused', problem: '/problems/no-grant', reason });
    } else allowed.push(index);
  }
  return { allowed, refusals };
}

/** Which blocks a consumer may have now, and which of them use up a sample. */
export function ruleDelivery(
  access: Access & { readonly grants: object },
  blocks: readonly number[],
  delivered: Delivered,
): Ruling & { readonly newSamples: readonly number[] } {
  const range = ruleRange(access, blocks);
  const { terms } = access.agreement;
  const maxBlocks = ceilingOf(access);
  const { admitted, newSamples, refused } = admitBlocks({ terms, ...delivered, maxBlocks }, range.allowed);
  const usedUp = refused.map((index) => refuseUsedUp(terms, index, maxBlocks, delivered, newSamples.length));
  return { allowed: admitted, refusals: [...range.refusals, ...usedUp], newSamples };
}

/** How many distinct blocks the most generous grant lets an agreement's consumer see. */
export function ceilingOf({ grants }: Access & { readonly grants: object }): number {
  return Math.max(0, ...grants.map(({ maxBlocks }) => maxBlocks));
}

/** Answers for the allowed blocks, and why not for the others, in the order asked for. */
export async function answerAllowed<T extends { readonly index: number }>(
  blocks: readonly number[],
  { allowed, refusals }: Ruling,
  answer: (allowed: readonly number[]) => Promise<Answers<T>>,
): Promise<Answers<T>> {
  if (refusals.length === 0) return answer(blocks);
  const { answers, remaining } = allowed.length === 0 ? { answers: [], remaining: [] } : await answer(allowed);
  const byIndex = new Map([...answers, ...refusals].map((one) => [one.index, one]));
  return { answers: blocks.flatMap((index) => byIndex.get(index) ?? []), remaining };
}

function refuseUsedUp(terms: Terms, index: number, maxBlocks: number, now: Delivered, newSamples: number): Refusal {
  const place = index - terms.first;
  const samples = Math.min(terms.samples, MAX_SAMPLES);
  if (place < paidBlocks(terms, now.due) || now.sampled.size + newSamples < samples) {
    const reason = `The owner's grants let this service show ${maxBlocks} blocks for an agreement, and all of them are used up.`;
    return { index, kind: 'refused', problem: '/problems/no-grant', reason };
  }
  const due = dueFor(terms, place + 1);
  const reason = `The block is not paid for, and all ${samples} samples are used up. A voucher for ${due} pays for it.`;
  return { index, kind: 'refused', problem: '/problems/not-paid', reason };
}
