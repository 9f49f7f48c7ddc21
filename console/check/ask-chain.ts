import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { createDisscWitness } from '../../adapters/ethereum/dissc-witness.ts';
import { reportEvidence } from '../../client/evidence/report-evidence.ts';
import { witnessEvidence } from '../../client/evidence/witness-evidence.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Dissent } from '../../core/ports/chain-witness.ts';
import type { CheckedFiles } from './check-files.ts';

/** What the chain made of files that were checked. */
export interface AskedChain {
  readonly checked: CheckedFiles;
  readonly dissent: readonly Dissent[];
}

const MAX_NODES = 8;
/** Of this machine, as the page's policy has them (dev/console/build-check.ts). */
const LOOPBACK = ['127.0.0.1', 'localhost'];

/**
 * Asks the nodes that the reader has named, and nobody else.
 * @param nodes URLs with white space between them
 * @param agree how many must agree; all of them when null
 * @throws ArgumentError when these are no nodes that a page can ask
 */
export async function askChain(
  checked: CheckedFiles,
  nodes: string,
  agree: number | null,
  signal: AbortSignal,
): Promise<AskedChain> {
  const { evidence, finding, report } = checked;
  const rpcUrls = nodes.split(/\s+/).filter((text) => text !== '');
  if (rpcUrls.length === 0) throw new ArgumentError('Name at least one node: its URL, https://…');
  if (rpcUrls.length > MAX_NODES)
    throw new ArgumentError(`${rpcUrls.length} nodes are too many; name at most ${MAX_NODES}.`);
  for (const text of rpcUrls) requireAskable(text);
  const { chainId, dissc } = evidence.domain;
  const chain = createDisscWitness({ rpcUrls, agree: agree ?? rpcUrls.length, chainId, dissc, anchor: 'final' });
  const facts = await witnessEvidence(portablePrimitives, evidence, finding, chain, signal);
  signal.throwIfAborted();
  const asked = reportEvidence(evidence, finding, report.data, facts);
  return { checked: { ...checked, report: asked }, dissent: chain.dissent };
}

function requireAskable(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new ArgumentError(`${text} is not the URL of a node: https://…`);
  }
  if (url.protocol === 'http:' && !LOOPBACK.includes(url.hostname)) {
    throw new ArgumentError(
      `${url.host} has an http:// address, so anyone on the way can answer in its place. Use https://; http:// is only for nodes on this machine.`,
    );
  }
}
