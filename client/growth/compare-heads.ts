import { equalBytes } from '../../core/bytes.ts';
import { counted } from '../../core/counted.ts';
import { PlumblineError, ProofError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId, RoundRoot } from '../../core/ids.ts';
import type { Growth, LogState } from '../../core/log/growth.ts';
import type { Head, SignedHead } from '../../core/log/head.ts';
import { joinGrowths } from '../../core/log/join-growths.ts';
import { relateHeads } from '../../core/log/relate-heads.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { DatasetAnchor, StorageService } from '../../core/ports/service.ts';

/** What two heads of a dataset are to each other, as far as the service shows it. */
export type HeadsCompared =
  | { readonly relation: 'same' }
  /** `growth` is how, where the service shows just that. */
  | { readonly relation: 'extends'; readonly growth: Growth | null }
  /** `longer` is of another log than `shorter`: with both signatures that is proof to anybody. */
  | { readonly relation: 'contested'; readonly shorter: Head; readonly longer: Head; readonly growth: Growth | null }
  /** Nobody shows what would tell. */
  | { readonly relation: 'unknown'; readonly why: string };

export interface CompareParts {
  readonly hasher: Pick<Primitives, 'sha256'>;
  /** Null: nobody is asked. */
  readonly service: Pick<StorageService, 'getAnchor'> | null;
  readonly dataset: DatasetId;
  /** The round that the chain has: the service shows the growth to its head, and from there to its newest. */
  readonly round: RoundRoot | null;
}

/** Another head may come while two are compared. */
const ATTEMPTS = 3;

/**
 * Whether one head extends the other, by growths that the service shows. It cannot lie here: a growth leads to a head's root or
 * proves nothing, and of two heads that lie in one third, whoever signed that, the shorter is the longer one's beginning.
 */
export async function compareHeads(
  parts: CompareParts,
  one: Head,
  other: Head,
  signal?: AbortSignal,
): Promise<HeadsCompared> {
  const [shorter, longer] = one.size <= other.size ? [one, other] : [other, one];
  const { hasher } = parts;
  if (shorter.size === longer.size) {
    if (equalBytes(shorter.root, longer.root)) return { relation: 'same' };
    return { relation: 'contested', shorter, longer, growth: null };
  }
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const shown = await ask(parts, shorter.size, signal);
      const direct = growthTo(hasher, shown, shorter.size, longer.size);
      if (direct !== null) return relate(hasher, shorter, longer, direct);
      const { head } = shown;
      if (head === null || head.size < longer.size) {
        return unknown(`the service shows no log of ${counted(longer.size, 'block')}`);
      }
      const compared = await throughNewest(parts, [shorter, longer], shown, head, signal);
      if (compared !== null) return compared;
    }
    return unknown('the log grew while it was read; try again');
  } catch (error) {
    if (error instanceof PlumblineError) {
      signal?.throwIfAborted();
      return unknown(error.shortMessage);
    }
    throw error;
  }
}

/** Null when the service's newest head is another by now. */
async function throughNewest(
  parts: CompareParts,
  [shorter, longer]: readonly [Head, Head],
  shown: DatasetAnchor,
  newest: SignedHead,
  signal?: AbortSignal,
): Promise<HeadsCompared | null> {
  const { hasher } = parts;
  const first = requireGrowthTo(hasher, shown, shorter.size, newest);
  const answer = longer.size === newest.size ? shown : await ask(parts, longer.size, signal);
  if (answer.head?.size !== newest.size || !equalBytes(answer.head.root, newest.root)) return null;
  const fromShorter = relate(hasher, shorter, newest, first);
  const second = longer.size === newest.size ? null : requireGrowthTo(hasher, answer, longer.size, newest);
  const fromLonger = relate(hasher, longer, newest, second);
  if (fromShorter.relation === 'contested') return fromShorter;
  if (fromLonger.relation === 'contested') return fromLonger;
  return { relation: 'extends', growth: null };
}

function relate(
  hasher: Pick<Primitives, 'sha256'>,
  shorter: Head,
  longer: Head,
  growth: Growth | null,
): Exclude<HeadsCompared, { relation: 'unknown' }> {
  const relation = relateHeads(hasher, shorter, longer, growth);
  if (relation === 'contested') return { relation, shorter, longer, growth };
  return relation === 'same' ? { relation } : { relation, growth };
}

async function ask(
  { service, dataset, round }: CompareParts,
  since: number,
  signal?: AbortSignal,
): Promise<DatasetAnchor> {
  if (service === null) throw new StoreUnavailableError('no service was asked');
  try {
    return await service.getAnchor(dataset, { since, ...(round === null ? {} : { round }) }, signal);
  } catch (error) {
    if (!(error instanceof RequestRefusedError)) throw error;
    throw new ProofError(`the service shows no growth from ${counted(since, 'block')}: ${error.shortMessage}`, {
      cause: error,
    });
  }
}

/** Null where what is shown does not stop there. */
function growthTo(
  hasher: Pick<Primitives, 'sha256'>,
  { growth }: Pick<DatasetAnchor, 'growth'>,
  from: number,
  to: number,
): Growth | null {
  const end = growth.findIndex((step) => step.to === to);
  const steps = growth.slice(0, end + 1);
  return end === -1 || steps[0]?.from !== from ? null : joinGrowths(hasher, steps);
}

function requireGrowthTo(
  hasher: Pick<Primitives, 'sha256'>,
  shown: Pick<DatasetAnchor, 'growth'>,
  from: number,
  { size }: LogState,
): Growth {
  const growth = growthTo(hasher, shown, from, size);
  if (growth !== null) return growth;
  throw new ProofError(`the service does not show how the log grew from ${from} to ${counted(size, 'block')}`);
}

function unknown(why: string): HeadsCompared {
  return { relation: 'unknown', why };
}
