import { MAX_RANGE_BLOCKS } from './ask-logs.ts';

/** How many blocks to ask for at once, as far as a node's answers tell. */
export interface LogRange {
  blocks(): number;
  /** So many were answered. */
  answered(blocks: number): void;
  /** So many were too much. */
  refused(blocks: number): void;
}

/** After this many answers a limit is tried again: it may have been a dense spot, which lies behind. */
const FIRST_TRIAL_AFTER = 16;
const MAX_TRIAL_AFTER = 256;

/**
 * Narrows by halves to what a node takes, comes within an eighth of its limit, and widens again: a dense spot costs a few
 * requests, not all those that follow it. Where the limit stays, it is tried ever more rarely.
 */
export function createLogRange(): LogRange {
  /** The most that was answered since the limit was met, and the least that was not. */
  let least = 0;
  let limit = Number.POSITIVE_INFINITY;
  let next = MAX_RANGE_BLOCKS;
  let answersBelow = 0;
  let trialAfter = FIRST_TRIAL_AFTER;
  let isTrial = false;
  return {
    blocks: () => next,
    answered(blocks) {
      if (isTrial && blocks >= next) {
        // The limit is gone.
        [limit, trialAfter, isTrial, answersBelow] = [Number.POSITIVE_INFINITY, FIRST_TRIAL_AFTER, false, 0];
      }
      least = Math.max(least, Math.min(blocks, limit - 1));
      if (limit === Number.POSITIVE_INFINITY) {
        next = Math.min(2 * next, MAX_RANGE_BLOCKS);
      } else if (++answersBelow >= trialAfter) {
        isTrial = true;
        answersBelow = 0;
        next = Math.min(2 * limit, MAX_RANGE_BLOCKS);
      } else {
        const middle = Math.floor((least + limit) / 2);
        next = middle - least > limit / 8 ? middle : Math.max(1, least);
      }
    },
    refused(blocks) {
      if (isTrial) trialAfter = Math.min(2 * trialAfter, MAX_TRIAL_AFTER);
      // What is too much now says nothing of what will be, and what was answered before may be too much now.
      if (isTrial && least > 0) {
        next = least;
      } else {
        limit = blocks;
        if (least >= limit) least = 0;
        next = Math.max(1, least > 0 ? least : Math.ceil(blocks / 2));
      }
      isTrial = false;
    },
  };
}
