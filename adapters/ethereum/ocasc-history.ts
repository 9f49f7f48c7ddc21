import { type Result, zeroPadValue } from 'ethers';
import { address } from '../../core/ids.ts';
import type { AgreementEvent, AgreementHistory, EventPlace } from '../../core/ports/agreement-history.ts';
import { decode, type FoundLog, findLogs } from './find-logs.ts';
import { createJsonRpc } from './json-rpc.ts';
import { decodeAgreementId, ocascInterface } from './ocasc-interface.ts';
import type { OcascLedgerOptions } from './ocasc-ledger.ts';

type Decoded = AgreementEvent extends infer Each
  ? Each extends EventPlace
    ? Omit<Each, keyof EventPlace>
    : never
  : never;

/** OCASC's events about one agreement, each with what it becomes; `id` is the first indexed argument of all but credits. */
const EVENTS: readonly { readonly name: string; read(values: Result): Decoded }[] = [
  { name: 'OfferCancelled', read: () => ({ event: 'cancelled' }) },
  {
    name: 'Accepted',
    read: ({ consumer, signer, end }) => ({
      event: 'accepted',
      consumer: address(consumer),
      signer: address(signer),
      endSeconds: Number(end),
    }),
  },
  { name: 'Claimed', read: ({ due }) => ({ event: 'claimed', due }) },
  { name: 'Challenged', read: (values) => ({ event: 'challenged', ...question(values) }) },
  { name: 'KeyDemanded', read: (values) => ({ event: 'key-demanded', ...question(values) }) },
  { name: 'Answered', read: (values) => ({ event: 'answered', ...question(values) }) },
  { name: 'KeyShown', read: (values) => ({ event: 'key-shown', ...question(values) }) },
  { name: 'Lapsed', read: ({ graceEnd }) => ({ event: 'lapsed', graceEndSeconds: Number(graceEnd) }) },
  {
    name: 'Breached',
    read: ({ toOwner, toConsumer, stake }) => ({ event: 'breached', toOwner, toConsumer, stakeWei: stake }),
  },
  { name: 'Quitted', read: ({ end }) => ({ event: 'quitted', endSeconds: Number(end) }) },
  { name: 'Closed', read: ({ toOwner, toConsumer }) => ({ event: 'closed', toOwner, toConsumer }) },
];

/** OCASC's events about agreements, read through one Ethereum node. */
export function createOcascHistory(options: OcascLedgerOptions): AgreementHistory {
  const view = { rpc: createJsonRpc(options), name: 'OCASC', at: options.ocasc, patienceMs: options.patienceMs };
  return {
    async readHistory(id, fromBlock, toBlock, signal) {
      const found: AgreementEvent[] = [];
      for (const { name, read } of EVENTS) {
        const indexed = [id, ...Array(indexedOf(name) - 1).fill(null)];
        const logs = await findLogs(view, ocascInterface, { event: name, indexed, fromBlock, toBlock }, signal);
        found.push(...logs.map((log) => ({ ...place(log), ...decode(view, () => read(log.values)) })));
      }
      const query = { event: 'Credited', indexed: [null, null, id], fromBlock, toBlock };
      for (const log of await findLogs(view, ocascInterface, query, signal)) {
        const { token, account, amount } = log.values;
        const credited = { event: 'credited', token: address(token), account: address(account), amount } as const;
        found.push({ ...place(log), ...credited });
      }
      return found.sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
    },

    async findAccepted(consumer, fromBlock, toBlock, signal) {
      const query = { event: 'Accepted', indexed: [null, zeroPadValue(consumer, 32)], fromBlock, toBlock };
      const logs = await findLogs(view, ocascInterface, query, signal);
      return logs.map(({ values }) => decode(view, () => decodeAgreementId(values.id)));
    },
  };
}

function question({ blockIndex, stake }: Result): { readonly block: number; readonly stakeWei: bigint } {
  return { block: Number(blockIndex), stakeWei: stake };
}

function indexedOf(event: string): number {
  return ocascInterface.getEvent(event)?.inputs.filter(({ indexed }) => indexed).length ?? 1;
}

function place({ txHash, blockNumber, blockHash, logIndex }: FoundLog): EventPlace {
  return { txHash, blockNumber, blockHash, logIndex };
}
