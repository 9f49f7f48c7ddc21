import { counted } from '../counted.ts';
import { ArgumentError } from '../errors.ts';
import type { Evidence } from '../verdict.ts';

/** 99 % sure to see 1 % (specification#confidence). */
export const DEFAULT_SAMPLE = 460;

/**
 * Probability that a uniform sample of `sample` of `total` blocks meets at least one of `damaged`: the exact
 * hypergeometric 1 - C(total - damaged, sample) / C(total, sample).
 * @throws ArgumentError for what is no count, or more than there are
 */
export function detectionOfDamagedBlocks(total: number, damaged: number, sample: number): number {
  requireCounts(total, damaged, sample);
  if (damaged === 0 || sample === 0) return 0;
  if (sample > total - damaged) return 1;
  // A sum of logarithms over the smaller of the two counts: products of a million factors underflow.
  const [factors, removed] = damaged < sample ? [damaged, sample] : [sample, damaged];
  let logMissed = 0;
  for (let i = 0; i < factors; i++) logMissed += Math.log1p(-removed / (total - i));
  return -Math.expm1(logMissed);
}

/**
 * Lower bound of the probability that `sample` challenges of random chunks meet damage, where `fraction` is the mean
 * over blocks of the fraction of damaged chunks: 1 - (1 - f)^c.
 * @throws ArgumentError for a fraction that is not between 0 and 1
 */
export function detectionOfDamagedChunks(fraction: number, sample: number): number {
  requireFraction(fraction);
  return -Math.expm1(sample * Math.log1p(-fraction));
}

/**
 * The least sample that detects `fraction` of damage with `confidence`, under the kind of evidence.
 * @throws ArgumentError for a confidence or a fraction that is not between 0 and 1
 */
export function sampleSize(
  evidence: 'retrieved' | 'possession',
  total: number,
  fraction: number,
  confidence: number,
): number {
  requireFraction(fraction);
  if (!(confidence > 0 && confidence < 1)) {
    throw new ArgumentError(`A confidence of ${confidence} is not allowed; it must be between 0 and 1.`);
  }
  const reaches = (sample: number): boolean =>
    (evidence === 'retrieved'
      ? detectionOfDamagedBlocks(total, blocksOf(fraction, total), sample)
      : detectionOfDamagedChunks(fraction, sample)) >= confidence;
  let low = 1;
  let high = total;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (reaches(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface AuditCount {
  readonly evidence: Evidence;
  readonly total: number;
  readonly checked: number;
  readonly intact: number;
  /** Answers that are missing or refused: any one of them withholds the confidence. */
  readonly unanswered: number;
  /** The damage the statement is about, as a fraction. */
  readonly fraction: number;
}

/** What an audit buys: a probability where there is one, and always a sentence that says what it is about. */
export interface Assurance {
  /** Probability that damage of at least the fraction would have been seen; null when nothing can be said. */
  readonly confidence: number | null;
  readonly words: string;
}

/**
 * Says how sure an audit makes, differently for the kinds of evidence (specification#confidence).
 * @throws ArgumentError for counts and fractions that contradict each other
 */
export function assure(count: AuditCount): Assurance {
  const { evidence, total, checked, intact, unanswered, fraction } = count;
  const damaged = checked - intact - unanswered;
  const ofAll = `${checked} of ${counted(total, 'block')}`;
  if (checked === 0) return { confidence: null, words: 'Nothing was checked.' };
  if (damaged > 0)
    return {
      confidence: null,
      words: `Damage found: ${damaged} of ${counted(checked, 'checked block')} ${damaged === 1 ? 'is' : 'are'} not intact.`,
    };
  if (unanswered > 0) {
    return {
      confidence: null,
      words: `${unanswered} of ${counted(checked, 'answer')} ${unanswered === 1 ? 'is' : 'are'} missing, so the result has no confidence.`,
    };
  }
  if (evidence === 'attested') {
    return {
      confidence: null,
      words: `The storage named the recorded hash of ${ofAll}. This does not show that it still has the bytes; check possession for that.`,
    };
  }
  if (evidence === 'retrieved') {
    if (checked === total)
      return {
        confidence: 1,
        words: `${total === 1 ? 'The only block was' : `All ${counted(total, 'block')} were`} hashed here, and every byte is as recorded.`,
      };
    const damagedBlocks = blocksOf(fraction, total);
    const confidence = detectionOfDamagedBlocks(total, damagedBlocks, checked);
    return {
      confidence,
      words: `${ofAll} ${checked === 1 ? 'was' : 'were'} hashed here. If ${damagedBlocks} or more blocks (${percent(fraction)}) were damaged, this check would have found damage with probability ${shown(confidence)}.`,
    };
  }
  const confidence = detectionOfDamagedChunks(fraction, checked);
  return {
    confidence,
    words: `The storage produced a random chunk of ${ofAll}. If on average ${percent(fraction)} of the blocks' chunks were damaged, this check would have found damage with probability at least ${shown(confidence)}. It can miss isolated damaged chunks.`,
  };
}

/** The least number of blocks that is at least this fraction. 0.07 × 100 is above 7 in floating point: that is no eighth. */
function blocksOf(fraction: number, total: number): number {
  return Math.max(1, Math.ceil(fraction * total * (1 - 2 ** -50)));
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(3))} %`;
}

// Rounded down: a statement of confidence must not be kinder than the figure.
function shown(probability: number): string {
  return (Math.floor(probability * 10_000) / 10_000).toString();
}

function requireCounts(total: number, damaged: number, sample: number): void {
  for (const value of [total, damaged, sample]) {
    if (!Number.isSafeInteger(value) || value < 0) throw new ArgumentError(`${value} is not a count of blocks.`);
  }
  if (damaged > total || sample > total) {
    throw new ArgumentError(`${damaged} damaged and ${sample} sampled blocks are impossible among ${total}.`);
  }
}

function requireFraction(fraction: number): void {
  if (!(fraction > 0 && fraction < 1)) {
    throw new ArgumentError(`A damaged fraction of ${fraction} is not allowed; it must be between 0 and 1.`);
  }
}
