/** What can go wrong, thinnest first. What each does is said where it strikes. */
export const FAULT_KINDS = [
  'power-cut',
  'lying-put',
  'event-lost',
  'event-repeated',
  'event-late',
  'table-rolled-back',
  'table-lost',
  'table-down',
  'node-stale',
  'node-down',
  'node-forgets',
  'reorg',
  'fee-spike',
  'chain-still',
  'clock-jump',
  'disk-full',
  'disk-busy',
  'disk-error',
  'disk-readonly',
  'outbox-rots',
  'clone',
  'folder-gone',
  'file-unreadable',
  'storage-omits',
  'storage-rots',
  'store-down',
  'service-down',
  'too-many-requests',
] as const;

/** What strikes those who sell and buy, in seeds that have a sale. */
export const SALE_FAULT_KINDS = [
  'agent-killed',
  'consumer-killed',
  'agent-leaves',
  'answer-dear',
  'node-ahead',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number] | (typeof SALE_FAULT_KINDS)[number];

export const ALL_FAULT_KINDS: readonly FaultKind[] = [...FAULT_KINDS, ...SALE_FAULT_KINDS];

/** One fault of a plan, whole by itself: others may be taken out of the plan, and it stays what it is. */
export interface Fault {
  readonly kind: FaultKind;
  /** Names it in its plan, and decides by chance what is left open. */
  readonly id: number;
  /** Ms from the beginning; one of an instant strikes at `fromMs`. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** How large: blocks, ms or a share, as the kind has it. */
  readonly size: number;
  /** Where it strikes, for kinds that have a choice. */
  readonly where: string;
}
