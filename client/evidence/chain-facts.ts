import { to0x } from '../../core/bytes.ts';
import { counted } from '../../core/counted.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import type { EvidenceFinding } from '../../core/evidence/verify-evidence.ts';
import { utcText } from '../utc-text.ts';

/** Something that only the chain can say of evidence, in words that anyone can look up. */
export interface ChainFact {
  readonly fact: 'record' | 'round' | 'today' | 'charters' | 'after';
  readonly says: string;
  /** Null: no chain was asked. */
  readonly holds: boolean | null;
  /** What the answer rests on; null where none was had. */
  readonly restsOn: string | null;
  /** Why it does not hold, or could not be had. */
  readonly reason: string | null;
}

/** All that evidence leaves to the chain, before any was asked. */
export function chainFacts(evidence: EvidenceFile, finding: EvidenceFinding): ChainFact[] {
  const { record, round, charters } = evidence;
  const facts: ChainFact[] = [];
  if (record !== null) facts.push(open('record', recordSays(evidence)));
  if (round !== null) facts.push(open('round', roundSays(evidence, finding)));
  if (charters.some(({ charter }) => charter.signature === null)) facts.push(open('charters', chartersSay(evidence)));
  const { notBefore } = finding;
  if (notBefore !== null) facts.push(open('after', afterSays(notBefore)));
  return facts;
}

export function recordSays({ domain, dataset, head, record }: EvidenceFile): string {
  if (record === null) return 'There is no record.';
  return `On chain ${domain.chainId}, transaction ${to0x(record.txHash)} in block ${placeText(record)} made ${contractText(domain)} log a Recorded event for dataset ${dataset}: ${counted(head.size, 'block')}, root ${to0x(head.root)}.`;
}

export function roundSays({ domain, round }: EvidenceFile, finding: EvidenceFinding): string {
  if (round === null || finding.round === null) return 'There is no round.';
  return `On chain ${domain.chainId}, transaction ${to0x(round.txHash)} in block ${placeText(round)} made ${contractText(domain)} log a RoundAnchored event by ${round.anchorer}: round ${to0x(finding.round)}.`;
}

export function chartersSay({ domain, dataset, charters }: EvidenceFile): string {
  const serials = charters.map(({ charter }) => charter.serial).join(', ');
  return `On chain ${domain.chainId}, ${contractText(domain)} has logged these Chartered events for dataset ${dataset}, serials ${serials}.`;
}

export function afterSays(block: {
  readonly blockHash: Uint8Array;
  readonly blockNumber: number;
  readonly timeSeconds: number;
}): string {
  return `The chain has block ${placeText(block)}, which the device knew when it sealed the blocks.`;
}

/** DISSC by its name; another contract, that a reader has named, is not called so. */
function contractText({ dissc }: Pick<DisscDomain, 'dissc'>): string {
  return dissc === DISSC_ADDRESS ? `DISSC (${dissc})` : `the contract ${dissc}, which is not DISSC,`;
}

function placeText({
  blockHash,
  blockNumber,
  timeSeconds,
}: {
  readonly blockHash: Uint8Array;
  readonly blockNumber: number;
  readonly timeSeconds: number;
}): string {
  return `${blockNumber} (${to0x(blockHash)}, ${utcText(1000 * timeSeconds)})`;
}

function open(fact: ChainFact['fact'], says: string): ChainFact {
  return { fact, says, holds: null, restsOn: null, reason: null };
}
