import { equalBytes, to0x } from '../../core/bytes.ts';
import type { BlockHeader } from '../../core/chain-proof/block-header.ts';
import type { EvidenceFile, NamedChainBlock } from '../../core/evidence/evidence.ts';
import type { EvidenceFinding } from '../../core/evidence/verify-evidence.ts';
import type { RoundBody } from '../../core/ids.ts';
import type { ChainWitness } from '../../core/ports/chain-witness.ts';

/** A chain that has what this evidence says, and nothing else: whatever is changed in it then is not true. */
export function trueChain(evidence: EvidenceFile, finding: EvidenceFinding): ChainWitness {
  const { domain, dataset, head, record, round, charters, after } = evidence;
  const places: NamedChainBlock[] = [
    ...(record === null ? [] : [record]),
    ...(round === null ? [] : [round]),
    ...after,
  ];
  const headers = new Map(
    places.map(({ blockHash, blockNumber, timeSeconds }): [number, BlockHeader] => {
      const roots = { stateRoot: new Uint8Array(32), receiptsRoot: new Uint8Array(32) };
      return [blockNumber, { number: blockNumber, hash: to0x(blockHash), timeSeconds, ...roots }];
    }),
  );
  const newest = { ...([...headers.values()][0] as BlockHeader), number: 1_000, hash: `0x${'ee'.repeat(32)}` };
  const signer = finding.signer as NonNullable<typeof finding.signer>;
  return {
    ...{ domain, hosts: ['true.example'], agree: 1, dissent: [] },
    readNewest: async () => newest,
    readBlock: async (number) => headers.get(number) ?? null,
    async readDataset(_block, asked) {
      const { size, root, serial } =
        asked === dataset ? head : { size: 0, root: new Uint8Array(32) as typeof head.root, serial: 0 };
      return { size, root, serial, device: signer };
    },
    readRound: async (_block, anchorer) =>
      (anchorer === round?.anchorer ? finding.round : new Uint8Array(32)) as NonNullable<typeof finding.round>,
    async readLogs(block, txHash) {
      const isIts = (place: typeof record): boolean =>
        place !== null && block.number === place.blockNumber && equalBytes(txHash, place.txHash);
      const recorded = isIts(record) ? [{ ...head, signer }] : [];
      const body = new Uint8Array(32) as RoundBody;
      const rounds =
        round !== null && finding.round !== null && isIts(round)
          ? [{ anchorer: round.anchorer, round: finding.round, previous: round.previous, body }]
          : [];
      return { logs: { recorded, rounds, charters: [] }, by: 'receipts' };
    },
    findRecorded: async () => [],
    findChartered: async () =>
      charters.flatMap(({ charter, chartered }, logIndex) =>
        chartered === null
          ? []
          : [{ dataset, charter, logIndex, blockNumber: chartered.blockNumber, txHash: to0x(chartered.txHash) }],
      ),
  };
}
