import type { Address, AgreementId, BlockIndex, DatasetId } from '../../core/ids.ts';
import type { HeldUp } from '../../core/ports/sent-transactions.ts';

/** What happens on the owner's side of sales, for people and machines that watch. Nothing secret. */
export type SaleEvent =
  | {
      readonly event: 'offer-found';
      readonly agreement: AgreementId;
      readonly dataset: DatasetId;
      readonly first: BlockIndex;
      readonly count: number;
    }
  | {
      readonly event: 'accepted';
      readonly agreement: AgreementId;
      readonly consumer: Address;
      readonly endSeconds: number;
    }
  /** All that answers and keys are made of is here, and leads to the log that was sold. */
  | { readonly event: 'archived'; readonly agreement: AgreementId; readonly batches: number }
  | {
      readonly event: 'request';
      readonly agreement: AgreementId;
      readonly sequence: number;
      /** Of the blocks asked for. */
      readonly admitted: number;
      /** Not asked for, but paid for by now: their keys come with the answer. */
      readonly released: number;
      readonly refused: number;
    }
  | {
      readonly event: 'message-refused';
      readonly agreement: AgreementId;
      readonly sequence: number;
      readonly reason: string;
    }
  | {
      readonly event: 'voucher';
      readonly agreement: AgreementId;
      readonly due: string;
      readonly token: Address;
      readonly paidBlocks: number;
    }
  | { readonly event: 'keys-sent'; readonly agreement: AgreementId; readonly sequence: number }
  | {
      readonly event: 'challenged';
      readonly agreement: AgreementId;
      readonly block: BlockIndex;
      /** Of the question among the agreement's, from 1. */
      readonly number: number;
      /** A chunk of the block, or its content key. */
      readonly asks: 'chunk' | 'key';
      /** Until it can lapse; once it has, until the grace is over. */
      readonly secondsLeft: number;
    }
  /** The answer is ready, and gas is dear: it waits for a cheaper block, until half the window is over at most. */
  | {
      readonly event: 'waiting-for-gas';
      readonly agreement: AgreementId;
      readonly block: BlockIndex;
      readonly asks: 'chunk' | 'key';
      readonly untilSeconds: number;
    }
  | {
      readonly event: 'answered';
      readonly agreement: AgreementId;
      readonly block: BlockIndex;
      readonly number: number;
      readonly txHash: string;
    }
  /** All questions up to this one are answered, as the chain shows: perhaps while this server was down. */
  | { readonly event: 'answers-found'; readonly agreement: AgreementId; readonly number: number }
  /** The bond is in danger: storage does not give what was sold. */
  | {
      readonly event: 'unanswered';
      readonly agreement: AgreementId;
      readonly block: BlockIndex;
      readonly number: number;
      readonly secondsLeft: number;
      readonly reason: string;
    }
  | {
      readonly event: 'claimed';
      readonly agreement: AgreementId;
      readonly due: string;
      readonly token: Address;
      readonly txHash: string;
    }
  | { readonly event: 'closed'; readonly agreement: AgreementId; readonly txHash: string }
  | { readonly event: 'settled'; readonly agreement: AgreementId; readonly state: 'cancelled' | 'breached' | 'closed' }
  /** Cannot be served as it is, and will not by itself: a person must look. */
  | { readonly event: 'not-servable'; readonly agreement: AgreementId; readonly reason: string }
  /** An earlier transaction of the agent holds up the next one: it waits, or has taken its place. */
  | { readonly event: 'held-up'; readonly agreement: null; readonly heldUp: HeldUp }
  /** Something did not work and is tried again; `agreement` is null when it concerns all of them. */
  | { readonly event: 'trouble'; readonly agreement: AgreementId | null; readonly reason: string };
