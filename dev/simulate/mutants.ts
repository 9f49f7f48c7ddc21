import type { FaultKind } from './faults/fault.ts';

/** A fault put into the product on purpose: what of a file is read as something else when it is loaded. */
export interface Mutant {
  readonly says: string;
  /** The kind of fault in a sale under which it shows; all kinds, in all seeds, where none is named. */
  readonly shownBy?: FaultKind;
  readonly changes: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

/** The device does not ask again for what it has uploaded. */
const NEVER_LOOKS = {
  file: 'device/steps/look-again.ts',
  from: 'if (!isAnyWaiting(run)) {',
  to: 'if (run !== null || !isAnyWaiting(run)) {',
};

/** Each must be found by the simulator (test/dev/simulate/mutants.test.ts). */
export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'trusts-2xx': {
    says: 'a device takes the answer to its PUT for the proof that its bytes are stored',
    changes: [
      {
        file: 'device/steps/check-batches.ts',
        from: 'await proveStored(parts, row, options, signal)',
        to: 'await Promise.resolve(proveStored)',
      },
      NEVER_LOOKS,
    ],
  },
  'awaits-event': {
    says: 'service and device wait for ever for an event of the bucket that was lost',
    changes: [
      {
        file: 'functions/reconcile-segments.ts',
        from: 'await reconcileSegments({ ...ports, ledger, memory }, signal, bounds)',
        to: '{ found: 0, lost: 0, aside: 0, failed: 0, waitingSeconds: 0 }',
      },
      NEVER_LOOKS,
    ],
  },
  'keeps-nonce': {
    says: 'a transaction that is not mined is never replaced by one that pays more',
    changes: [
      {
        file: 'functions/anchor/follow-transactions.ts',
        from: 'runtime.nowMs() - open.preparedAtMs >= anchorSettings.replaceAfterMs',
        to: 'runtime.nowMs() - open.preparedAtMs >= anchorSettings.replaceAfterMs * 1e6',
      },
      {
        file: 'device/record/record-directly.ts',
        from: 'sinceMs + options.replaceAfterMs > runtime.monotonicMs()',
        to: 'sinceMs + options.replaceAfterMs * 1e6 > runtime.monotonicMs()',
      },
    ],
  },
  'keeps-answer': {
    says: 'an agent never replaces the transaction of an answer that pays too little to be mined',
    shownBy: 'answer-dear',
    changes: [
      { file: 'adapters/ethereum/next-nonce.ts', from: 'waitedMs >= replaceAfterMs ||', to: '' },
      { file: 'adapters/ethereum/next-nonce.ts', from: 'ageMs(runtime, own) >= replaceAfterMs ||', to: '' },
    ],
  },
  'pays-unseen': {
    says: 'a consumer signs for all blocks before it has seen a key of any',
    shownBy: 'agent-leaves',
    changes: [
      {
        file: 'client/consumer/deliver-purchase.ts',
        from: 'from + stepOf(delivery, from)',
        to: 'from + stepOf(delivery, from) + purchase.terms.count',
      },
    ],
  },
  'synchronous-normal': {
    says: 'the outbox is not synchronised with the disk at each commit',
    changes: [{ file: 'device/outbox/open-outbox.ts', from: 'synchronous = FULL', to: 'synchronous = NORMAL' }],
  },
};
