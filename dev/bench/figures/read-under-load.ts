import { disscInterface } from '../../../adapters/ethereum/dissc-interface.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import type { SizedDataset } from '../parts/record-sizes.ts';
import type { Parts } from '../parts/start-parts.ts';
import type { Figure, Run } from '../report/figure.ts';

const READERS = [1, 2, 4, 8, 16, 32, 64] as const;
const WARM_UP_CALLS = 20;

/** Figure 5 of the paper: how long DISSC takes to answer `head`, by how many read at once. */
export async function readUnderLoad(
  parts: Parts,
  { dataset }: SizedDataset,
  callsEach: number,
  signal: AbortSignal,
): Promise<Figure> {
  const { chainId, contracts } = parts.stack;
  const data = disscInterface.encodeFunctionData('head', [dataset.writer.dataset]);
  const params = [{ to: contracts.DISSC, data }, 'latest'];
  const nodes = parts.rpcUrls.map((rpcUrl) => createJsonRpc({ rpcUrl, chainId }));
  const empty = `0x${'0'.repeat(192)}`;
  const timed = async (node: (typeof nodes)[number]): Promise<number> => {
    const began = performance.now();
    const answer = await node.call('eth_call', params, signal);
    const ms = performance.now() - began;
    if (answer === empty || answer === '0x') throw new Error('The chain knows nothing of the dataset.');
    return ms;
  };
  const spreads = [
    { series: 'all ask one node', nodesUsed: nodes.slice(0, 1) },
    ...(nodes.length > 1 ? [{ series: `spread over ${nodes.length} nodes`, nodesUsed: nodes }] : []),
  ];
  const runs: Run[] = [];
  for (const { series, nodesUsed } of spreads) {
    for (const node of nodesUsed) for (let i = 0; i < WARM_UP_CALLS; i++) await timed(node);
    for (const readers of READERS) {
      // Few readers ask more often, so that every number is measured as well.
      const calls = Math.max(callsEach, Math.ceil((4 * callsEach) / readers));
      const read = async (_: unknown, reader: number): Promise<number[]> => {
        const node = nodesUsed[reader % nodesUsed.length] as (typeof nodes)[number];
        const times: number[] = [];
        for (let i = 0; i < calls; i++) times.push(await timed(node));
        return times;
      };
      const times = await Promise.all(Array.from({ length: readers }, read));
      runs.push(...times.flat().map((y) => ({ series, x: readers, y })));
    }
  }
  return {
    name: 'figure-5-readers',
    title: 'Figure 5: DISSC’s response time (eth_call of head), by readers at once',
    x: { label: 'readers, each asking again as soon as it is answered', scale: 'log2' },
    y: { label: 'time of one answer (ms)', scale: 'log10' },
    ...{ xColumn: 'readers', yColumn: 'ms', runs },
    notes: [
      'While blocks are made. All readers are in one process on the machine of the nodes, and take part of its time.',
    ],
  };
}
