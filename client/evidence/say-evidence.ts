import { counted } from '../../core/counted.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import type { EvidenceReport } from './report-evidence.ts';

/**
 * One sentence, or a few, on what evidence shows: what, who, when, and on what that rests. Names in it were written by others.
 *
 * @example
 * import { reportEvidence } from 'plumbline/client/evidence/report-evidence';
 * import { verifyEvidence } from 'plumbline/core/evidence/verify-evidence';
 * const finding = verifyEvidence(primitives, evidence, evidence.domain);
 * console.log(sayEvidence(reportEvidence(evidence, finding, [], null)));
 */
export function sayEvidence(report: EvidenceReport): string {
  const { verdict, reason, count } = report;
  switch (verdict) {
    case 'unproven':
      return `This evidence proves nothing. ${reason}`;
    case 'contradicted':
      return `The chain contradicts this evidence. ${reason}`;
    case 'corrupted':
      return `${reason} What is proven: ${provenText(report)}`;
    case 'unconfirmed':
      return report.timestamp?.holds === false
        ? `The evidence is consistent, but its time-stamp does not count. ${reason} According to the evidence: ${provenText(report)}`
        : `The evidence is consistent, but the chain did not confirm it. ${reason} According to the evidence: ${provenText(report)}`;
    default:
      return count === 0 ? provenText(report) : `${subject(report)} ${provenText(report)}`;
  }
}

function subject({ data, count, strength }: EvidenceReport): string {
  const names = data.map(({ name }) => name).join(', ');
  if (names !== '') return `${names}: intact, byte for byte.`;
  return strength === 'retrieved'
    ? `Intact: every byte of ${count === 1 ? 'the block' : 'the blocks'} was hashed here.`
    : 'The evidence holds. You gave no data to compare with it.';
}

function provenText(report: EvidenceReport): string {
  const { name, owner, signer, chainId, contract, notBefore, notAfter, recorded, anchored, wholeTime } = report;
  const { count, restsOn, disowned } = report;
  const what = `${whatText(report)} of dataset ${name}`;
  const time = [
    notBefore === null ? [] : `not before ${notBefore}`,
    notAfter === null ? [] : `not later than ${notAfter}`,
  ]
    .flat()
    .join(' and ');
  const contractName = contract === DISSC_ADDRESS ? 'DISSC' : `${contract}, which is not DISSC,`;
  const where =
    recorded === null
      ? `anchored on ${contractName} in round ${anchored?.number} of ${anchored?.anchorer}, chain block ${anchored?.blockNumber}`
      : `recorded on ${contractName} in chain block ${recorded.blockNumber}`;
  const sealed = `sealed ${time}, signed by device ${signer}, which owner ${owner} named; ${where} of chain ${chainId}.`;
  const all =
    wholeTime === null
      ? ''
      : ` ${count === 0 ? 'Nothing was' : 'These are all the blocks that were'} captured from ${wholeTime.from} to ${wholeTime.to} in this log of ${counted(wholeTime.logBlocks, 'block')}, by its device's clock${wholeTime.clockSetBackAt.length === 0 ? '' : `, which was set back before block ${wholeTime.clockSetBackAt.join(', ')}`}.`;
  const later =
    disowned.length === 0
      ? ''
      : ' A later charter by the owner disowns some of these blocks: another device writes from there on.';
  const asked = restsOn.every(({ holds }) => holds === null)
    ? ` The chain was not asked whether it has this ${recorded === null ? 'round' : 'record'}.${testChainText(chainId)}`
    : testChainText(chainId);
  const stamp = stampText(report);
  return count === 0
    ? `Dataset ${name}, ${sealed}${all}${stamp}${asked}`
    : `${what}, ${sealed}${all}${stamp}${later}${asked}`;
}

/** The numbers that development chains have by default (Hardhat and Foundry; Geth and Ganache). */
const TEST_CHAINS: readonly number[] = [31_337, 1_337];

function testChainText(chainId: number): string {
  return TEST_CHAINS.includes(chainId)
    ? ` Chain ${chainId} is a test chain: whoever runs it decides what it says, and when.`
    : '';
}

/** Nobody's time counts before it leads to somebody whom the reader trusts. */
function stampText({ timestamp }: EvidenceReport): string {
  if (timestamp === null || timestamp.holds === false) return '';
  const { at, authority, holds, root } = timestamp;
  if (at === null)
    return ' The evidence contains a time-stamp, which this program cannot read. To check it: plumb verify --tsa-roots FILE';
  return holds === null
    ? ` A time-stamp in the name of ${authority} says that the log had this head on ${at}. Whether it comes from that authority was not checked: plumb verify --tsa-roots FILE checks it.`
    : ` ${authority} time-stamped the head of this log on ${at}. Its certificate leads to ${root}, which you trust. Nobody was asked whether it has been revoked.`;
}

const MOST_FILES = 3;

function whatText({ files, count, sizeBytes, blocks }: EvidenceReport): string {
  const [first] = blocks;
  const number =
    count === 1
      ? `block ${first?.from}`
      : blocks.length === 1
        ? `blocks ${first?.from} to ${first?.to}`
        : counted(count, 'block');
  const size = `${sizeBytes.toLocaleString('en')} stored bytes`;
  if (files.length === 0) return `${upper(number)} (${size})`;
  const more = files.length > MOST_FILES ? ` and ${files.length - MOST_FILES} more` : '';
  return `${files.slice(0, MOST_FILES).join(', ')}${more} (${number}, ${size})`;
}

function upper(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
