import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { deployDissc } from '../../adapters/ethereum/deploy-dissc.ts';
import { createDisscWitness } from '../../adapters/ethereum/dissc-witness.ts';
import { reportEvidence } from '../../client/evidence/report-evidence.ts';
import { witnessEvidence } from '../../client/evidence/witness-evidence.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import { verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import { type GethNetwork, startGethNetwork } from '../../dev/real/geth/start-network.ts';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import { randomKey } from '../adapters/device-log.ts';
import { type Dialect, startForeignNode } from '../adapters/foreign-node.ts';
import { type ChainWithEvidence, recordEvidence } from './chain-with-evidence.ts';

/* Evidence, asked of geth: its headers, receipts and proofs of storage (eth_getProof) are other programs' than anvil's. */

describe('evidence, asked of four geth nodes', { timeout: 180_000 }, () => {
  let folder: string;
  let network: GethNetwork;
  let chain: Omit<ChainWithEvidence, 'stop'>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-geth-evidence-'));
    network = await startGethNetwork({ geth: findProgram('geth'), folder });
    const { rpcUrl, chainId, slots } = network;
    const payer = randomKey();
    const signer = createKeySigner(payer);
    await slots.credit(signer.account, 10n ** 20n);
    slots.run(500);
    const { dissc } = await deployDissc({ rpcUrl, chainId, signer });
    await slots.pause();
    const { mine, finalize } = network;
    chain = await recordEvidence({ rpcUrl, chainId, dissc, payer, mine, finalize });
  });
  after(async () => {
    await network?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function ask(rpcUrls: readonly string[], agree: number, evidence: EvidenceFile = chain.evidence) {
    const finding = verifyEvidence(primitives, evidence, { dissc: DISSC_ADDRESS });
    assert.equal(finding.reason, null);
    const witness = createDisscWitness({ rpcUrls, agree, ...evidence.domain, anchor: 'final' });
    const facts = await witnessEvidence(primitives, evidence, finding, witness);
    return { facts, report: reportEvidence(evidence, finding, [], facts), dissent: witness.dissent };
  }
  const urls = () => network.nodes.map(({ rpcUrl }) => rpcUrl);

  it('holds by proofs of storage and receipts, at all of them', async () => {
    const { report, facts, dissent } = await ask(urls(), 4);
    assert.equal(report.verdict, 'intact', report.reason ?? '');
    assert.ok(facts.every(({ holds }) => holds === true));
    const restsOn = (name: string) => facts.find(({ fact }) => fact === name)?.restsOn ?? '';
    assert.match(restsOn('record'), /^all receipts of the block, which lead to the root in block \d+/);
    assert.match(restsOn('today'), /^a proof of DISSC's storage \(eth_getProof\).*: its head there is this one$/);
    assert.deepEqual(dissent, []);
  });

  it('names a node that changes what geth proves, and goes by the others', async () => {
    const lies: Record<string, NonNullable<Dialect['result']>> = {
      'a slot': ({ method }, result) => {
        if (method !== 'eth_getProof') return result;
        const { storageProof, ...rest } = result as { storageProof: { proof: string[] }[] };
        const turned = storageProof.map(({ proof, ...one }) => ({
          ...one,
          proof: proof.map((node) => `${node.slice(0, -1)}${node.endsWith('0') ? '1' : '0'}`),
        }));
        return { ...rest, storageProof: turned };
      },
      'a receipt left out': ({ method }, result) => (method === 'eth_getBlockReceipts' ? [] : result),
    };
    for (const [what, result] of Object.entries(lies)) {
      const node = await startForeignNode(network.rpcUrl, { result });
      try {
        const { report, dissent } = await ask([...urls().slice(0, 2), node.rpcUrl], 2);
        assert.equal(report.verdict, 'intact', `${what}: ${report.reason}`);
        assert.deepEqual([...new Set(dissent.map(({ host }) => host))], [new URL(node.rpcUrl).host], what);
      } finally {
        await node.stop();
      }
    }
  });

  it('is contradicted where its record is another, and goes on holding when the log has grown', async () => {
    const { record } = chain.evidence;
    assert.ok(record !== null);
    const other = { ...chain.evidence, record: { ...record, txHash: new Uint8Array(32).fill(1) } };
    assert.equal((await ask(urls(), 4, other)).report.verdict, 'contradicted');
    chain.log.seal([5, 6]);
    await chain.record();
    const { report, facts } = await ask(urls(), 4);
    assert.equal(report.verdict, 'intact', report.reason ?? '');
    assert.match(
      facts.find(({ fact }) => fact === 'today')?.restsOn ?? '',
      /its head there has 5 blocks and extends this one/,
    );
  });
});
