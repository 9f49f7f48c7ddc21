/**
 * What others' ways of recording cost, as gas of whole transactions on the same chain as dev/contracts/check-gas.ts: a storage slot for
 * each block, and attestations and timestamps as the Ethereum Attestation Service stores them (a stand-in of ours).
 *
 *     node dev/bench/gas-peers.ts [--json]
 */
import { Interface } from 'ethers';
import { type Deployed, type GasChain, openGasChain } from '../contracts/gas-chain.ts';
import { nextBytes32 } from '../contracts/growing-log.ts';
import { startOsakaChain } from '../contracts/osaka-chain.ts';
import { compilePeer } from './peers/compile-peer.ts';

const calls = new Interface([
  'function record(bytes32 dataset, uint256 first, bytes32[] digests)',
  'function multiAttest(bytes32 schema, bytes32[] digests)',
  'function multiTimestamp(bytes32[] digests)',
]);

export interface PeerFigure {
  /** Of the whole transaction. */
  readonly gas: number;
  readonly blocks: number;
  readonly gasPerBlock: number;
}

/** Gas a block of each peer, as cheap as it gets: as many blocks in a transaction as fit its gas with ease. */
export async function measurePeers(): Promise<Record<string, PeerFigure>> {
  const chain = openGasChain(await startOsakaChain());
  try {
    const slots = await deploy(chain, compilePeer('SlotPerBlock'));
    const attestations = await deploy(chain, compilePeer('AttestationStandIn'));
    const dataset = nextBytes32();
    let first = 0;
    const measure = async (to: Deployed, call: string, blocks: number): Promise<PeerFigure> => {
      const digests = Array.from({ length: blocks }, nextBytes32);
      const values = { record: [dataset, first, digests], multiAttest: [dataset, digests], multiTimestamp: [digests] }[
        call
      ];
      first += blocks;
      const { gas } = await chain.call(to, call, values ?? []);
      return { gas, blocks, gasPerBlock: Number((gas / blocks).toFixed(0)) };
    };
    return {
      'a slot a block, 256 in a transaction': await measure(slots, 'record', 256),
      'a slot a block, each in a transaction of its own': await measure(slots, 'record', 1),
      'EAS stand-in: multiTimestamp of 256': await measure(attestations, 'multiTimestamp', 256),
      'EAS stand-in: attest, 64 in a transaction': await measure(attestations, 'multiAttest', 64),
    };
  } finally {
    chain.stop();
  }
}

async function deploy({ chainId, accounts }: GasChain, bytecode: string): Promise<Deployed> {
  const [owner] = accounts as [GasChain['accounts'][number]];
  const sent = await owner.sendTransaction({ data: bytecode });
  const receipt = await sent.wait(1, 30_000);
  const address = receipt?.contractAddress;
  if (address == null) throw new Error(`Chain ${chainId} deployed nothing.`);
  return { address, abi: calls, gas: Number(receipt?.gasUsed) };
}

if (import.meta.main) {
  const figures = await measurePeers();
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures, null, 2));
  else
    for (const [name, { gasPerBlock }] of Object.entries(figures)) console.log(`${name}: ${gasPerBlock} gas a block`);
}
