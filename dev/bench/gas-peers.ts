/**
 * What others' ways of recording cost, as gas of whole transactions on the same chain as dev/bench/gas.ts: a storage slot for
 * each block, and attestations and timestamps as the Ethereum Attestation Service stores them (a stand-in of ours).
 *
 *     node dev/bench/gas-peers.ts [--json]
 */
import { getCreateAddress, Interface } from 'ethers';
import { type DisscChain, startDisscChain } from './dissc-chain.ts';
import { nextBytes32 } from './dissc-log.ts';
import type { GasFigure } from './gas-figure.ts';
import { compilePeer } from './peers/compile-peer.ts';

const calls = new Interface([
  'function record(bytes32 dataset, uint256 first, bytes32[] digests)',
  'function multiAttest(bytes32 schema, bytes32[] digests)',
  'function multiTimestamp(bytes32[] digests)',
]);

/** Gas a block of each peer, as cheap as it gets: as many blocks in a transaction as fit its gas with ease. */
export async function measurePeers(): Promise<Record<string, GasFigure>> {
  const chain = await startDisscChain();
  try {
    const slots = await deploy(chain, compilePeer('SlotPerBlock'));
    const attestations = await deploy(chain, compilePeer('AttestationStandIn'));
    const dataset = nextBytes32();
    let first = 0;
    const measure = async (to: string, call: string, blocks: number): Promise<GasFigure> => {
      const digests = Array.from({ length: blocks }, nextBytes32);
      const values = { record: [dataset, first, digests], multiAttest: [dataset, digests], multiTimestamp: [digests] }[
        call
      ];
      first += blocks;
      const { gas } = await chain.send(to, calls.encodeFunctionData(call, values));
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

async function deploy({ provider, owner }: DisscChain, bytecode: string): Promise<string> {
  const nonce = await provider.getTransactionCount(owner.address);
  const sent = await owner.sendTransaction({ data: bytecode });
  await sent.wait(1, 30_000);
  return getCreateAddress({ from: owner.address, nonce });
}

if (import.meta.main) {
  const figures = await measurePeers();
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures, null, 2));
  else
    for (const [name, { gasPerBlock }] of Object.entries(figures)) console.log(`${name}: ${gasPerBlock} gas a block`);
}
