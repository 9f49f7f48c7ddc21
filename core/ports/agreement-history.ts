import type { Address, AgreementId, BlockIndex } from '../ids.ts';

/** Where an event stands on the chain. */
export interface EventPlace {
  readonly txHash: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly logIndex: number;
}

/** What OCASC logged of one agreement after its offer. Amounts are in the token's units, stakes in wei. */
export type AgreementEvent = EventPlace &
  (
    | { readonly event: 'cancelled' }
    | { readonly event: 'accepted'; readonly consumer: Address; readonly signer: Address; readonly endSeconds: number }
    | { readonly event: 'claimed'; readonly due: bigint }
    | { readonly event: 'challenged'; readonly block: BlockIndex; readonly stakeWei: bigint }
    | { readonly event: 'key-demanded'; readonly block: BlockIndex; readonly stakeWei: bigint }
    | { readonly event: 'answered'; readonly block: BlockIndex; readonly stakeWei: bigint }
    | { readonly event: 'key-shown'; readonly block: BlockIndex; readonly stakeWei: bigint }
    | { readonly event: 'lapsed'; readonly graceEndSeconds: number }
    | { readonly event: 'breached'; readonly toOwner: bigint; readonly toConsumer: bigint; readonly stakeWei: bigint }
    | { readonly event: 'quitted'; readonly endSeconds: number }
    | { readonly event: 'closed'; readonly toOwner: bigint; readonly toConsumer: bigint }
    | { readonly event: 'credited'; readonly token: Address; readonly account: Address; readonly amount: bigint }
  );

/** What became of agreements, by OCASC's events. Throws LedgerUnavailableError. */
export interface AgreementHistory {
  /** All that happened to an agreement in blocks `fromBlock` … `toBlock`, in its order. */
  readHistory(id: AgreementId, fromBlock: number, toBlock: number, signal?: AbortSignal): Promise<AgreementEvent[]>;
  /** What an account has accepted in these blocks, oldest first. */
  findAccepted(consumer: Address, fromBlock: number, toBlock: number, signal?: AbortSignal): Promise<AgreementId[]>;
}
