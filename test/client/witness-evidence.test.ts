import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { createDisscWitness } from '../../adapters/ethereum/dissc-witness.ts';
import type { ChainFact } from '../../client/evidence/chain-facts.ts';
import { reportEvidence } from '../../client/evidence/report-evidence.ts';
import { sayDisagreement } from '../../client/evidence/say-fact.ts';
import { witnessEvidence } from '../../client/evidence/witness-evidence.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import { verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import type { Address } from '../../core/ids.ts';
import type { DeviceLog } from '../adapters/device-log.ts';
import { type Dialect, type ForeignNode, startForeignNode } from '../adapters/foreign-node.ts';
import { type ChainWithEvidence, startChainWithEvidence } from './chain-with-evidence.ts';
import { forgedBlock } from './forged-block.ts';

let chainOf: ChainWithEvidence;
let anvil: { readonly rpcUrl: string; readonly chainId: number };
let dissc: Address;
let log: DeviceLog;
let evidence: EvidenceFile;
const nodes: ForeignNode[] = [];

before(async () => {
  chainOf = await startChainWithEvidence();
  ({ log, evidence } = chainOf);
  anvil = chainOf;
  dissc = evidence.domain.dissc;
});
after(async () => {
  for (const node of nodes) await node.stop();
  await chainOf?.stop();
});

async function ask(rpcUrls: readonly string[], agree = rpcUrls.length, asked = evidence) {
  const finding = verifyEvidence(primitives, asked, { dissc: DISSC_ADDRESS });
  assert.equal(finding.reason, null);
  const { chainId, dissc: at } = asked.domain;
  const chain = createDisscWitness({ rpcUrls, agree, chainId, dissc: at, anchor: 'final', patienceMs: 1_000 });
  const facts = await witnessEvidence(primitives, asked, finding, chain);
  return { facts, report: reportEvidence(asked, finding, [], facts), dissent: chain.dissent };
}

/** A node that speaks the truth but for what it was told. */
async function liar(result: NonNullable<Dialect['result']>): Promise<string> {
  const node = await startForeignNode(anvil.rpcUrl, { result });
  nodes.push(node);
  return node.rpcUrl;
}

const honest = () => liar((_asked, result) => result);
const factOf = (facts: readonly ChainFact[], name: ChainFact['fact']) =>
  facts.find(({ fact }) => fact === name) as ChainFact;

/** A block of this number with another state root and a hash that fits it: what only a chain of its own could have. */
const otherChain: NonNullable<Dialect['result']> = ({ method }, result) => {
  if (method !== 'eth_getBlockByNumber') return result;
  const block = result as Record<string, string>;
  return { ...block, stateRoot: `0x${'11'.repeat(32)}` };
};

describe('evidence, asked of the chain', () => {
  it('holds by proofs of storage and receipts, whichever nodes are asked', async () => {
    const { report, facts, dissent } = await ask([anvil.rpcUrl, await honest()]);
    assert.equal(report.verdict, 'intact', report.reason ?? '');
    assert.ok(facts.every(({ holds }) => holds === true));
    assert.match(
      factOf(facts, 'record').restsOn ?? '',
      /^all receipts of the block, which lead to the root in block \d+/,
    );
    assert.match(
      factOf(facts, 'today').restsOn ?? '',
      /^a proof of DISSC's storage \(eth_getProof\).*: its head there is this one$/,
    );
    assert.deepEqual(dissent, []);
  });

  it('says of one node alone that it is one', async () => {
    const { facts } = await ask([anvil.rpcUrl]);
    assert.match(factOf(facts, 'record').restsOn ?? '', /the word of 127\.0\.0\.1:\d+ alone$/);
  });

  it('names a node that lies alone, in whatever it lies, and goes by the others', async () => {
    const lies: Record<string, NonNullable<Dialect['result']>> = {
      'a block of another chain': otherChain,
      'another block than was asked for': ({ method, params }, result) =>
        method === 'eth_getBlockByNumber' && params[0] !== 'finalized'
          ? { ...(result as object), number: '0x1' }
          : result,
      'a slot': ({ method }, result) => {
        if (method !== 'eth_getProof') return result;
        const text = JSON.stringify(result);
        return JSON.parse(text.replace(/"proof":\["0x(..)/, (_, byte) => `"proof":["0x${byte === 'f8' ? 'f9' : 'f8'}`));
      },
      'an account': ({ method }, result) =>
        method === 'eth_getProof' ? { ...(result as object), accountProof: [] } : result,
      'a receipt left out': ({ method }, result) => (method === 'eth_getBlockReceipts' ? [] : result),
    };
    const [a, b] = [await honest(), await honest()];
    for (const [what, lie] of Object.entries(lies)) {
      const url = await liar(lie);
      const { report, dissent } = await ask([a, b, url], 2);
      assert.equal(report.verdict, 'intact', `${what}: ${report.reason}`);
      assert.deepEqual([...new Set(dissent.map(({ host }) => host))], [new URL(url).host], what);
    }
  });

  it('confirms nothing where all nodes must agree and one lies', async () => {
    const { report } = await ask([anvil.rpcUrl, await liar(otherChain)]);
    assert.equal(report.verdict, 'unconfirmed');
    assert.match(report.reason ?? '', /Fewer than 2 nodes agree/);
  });

  it('names the honest node among liars who agree with each other', async () => {
    const { report, dissent } = await ask([anvil.rpcUrl, await liar(forgedBlock), await liar(forgedBlock)], 2);
    // What they say contradicts what the evidence has of its own block.
    assert.equal(report.verdict, 'contradicted');
    assert.deepEqual([...new Set(dissent.map(({ host }) => host))], [new URL(anvil.rpcUrl).host]);
    assert.match(sayDisagreement(dissent), new RegExp(`^ ${new URL(anvil.rpcUrl).host} disagrees, as listed below\\.`));
    assert.equal(sayDisagreement([]), '');
  });

  it('is contradicted where a fact that rests on the chain was changed', async () => {
    const place = evidence.record as NonNullable<EvidenceFile['record']>;
    const changed: Record<string, EvidenceFile> = {
      'another block': { ...evidence, record: { ...place, blockNumber: place.blockNumber + 1 } },
      'another hash': { ...evidence, record: { ...place, blockHash: new Uint8Array(32).fill(1) } },
      'another time': { ...evidence, record: { ...place, timeSeconds: place.timeSeconds - 1 } },
      'another charter place': {
        ...evidence,
        charters: [{ charter: log.charter, chartered: { txHash: new Uint8Array(32), blockNumber: 3 } }],
      },
    };
    for (const [what, one] of Object.entries(changed)) {
      assert.equal((await ask([anvil.rpcUrl], 1, one)).report.verdict, 'contradicted', what);
    }
    const early: EvidenceFile = { ...evidence, record: { ...place, blockNumber: 1_000_000 } };
    assert.match((await ask([anvil.rpcUrl], 1, early)).report.reason ?? '', /is not final yet/);
  });

  it('goes on holding when the log has grown, by the events that lead to its head', async () => {
    log.seal([5, 6]);
    await chainOf.record();
    const { report, facts } = await ask([anvil.rpcUrl]);
    assert.equal(report.verdict, 'intact', report.reason ?? '');
    assert.match(factOf(facts, 'today').restsOn ?? '', /its head there has 5 blocks and extends this one/);
    const cut = await ask([
      await liar(({ method }, result) =>
        method === 'eth_getLogs' ? (result as unknown[]).slice((result as unknown[]).length - 1) : result,
      ),
    ]);
    assert.equal(cut.report.verdict, 'unconfirmed');
  });

  it('wants as many nodes as have to agree', async () => {
    assert.throws(
      () => createDisscWitness({ rpcUrls: [anvil.rpcUrl], agree: 2, chainId: 1, dissc, anchor: 'final' }),
      /asks for 2 nodes, but you named 1/,
    );
    const gone = createDisscWitness({
      rpcUrls: ['http://127.0.0.1:9'],
      agree: 1,
      chainId: anvil.chainId,
      dissc,
      anchor: 'final',
      patienceMs: 0,
    });
    await assert.rejects(gone.readNewest(), LedgerUnavailableError);
  });
});
