import { equalBytes } from '../../core/bytes.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { counted } from '../../core/counted.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { requireContradiction } from '../../core/evidence/contradiction.ts';
import type { ContradictionFile } from '../../core/evidence/contradiction-file.ts';
import type { Address } from '../../core/ids.ts';
import type { Head, SignedHead } from '../../core/log/head.ts';
import type { RecordedEvent } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { HeadsCompared } from './compare-heads.ts';
import type { GrowthFault } from './growth-report.ts';

/** Finds the device's signature of a head that DISSC has recorded: its event has it not. Null where nobody shows it. */
export type FindSignature = (event: RecordedEvent, signal?: AbortSignal) => Promise<Uint8Array | null>;

/** A head under a signature, and where it was seen. */
export interface PlacedHead {
  readonly head: SignedHead;
  readonly place: string;
}

export interface ContradictionParts {
  readonly hasher: Pick<Primitives, 'sha256'>;
  readonly domain: DisscDomain;
  /** Accounts that the dataset's charters name. */
  readonly devices: readonly Address[];
  /** Those under their owner's signature, as far as they are known. */
  readonly charters: readonly SignedCharter[];
  /** Heads whose signatures are at hand. */
  readonly signed: readonly PlacedHead[];
  /** The newest that DISSC has accepted; null where there is none. */
  readonly recorded: RecordedEvent | null;
  readonly findSignature: FindSignature;
}

/**
 * What two contested heads prove: whose fault it is, and the file that shows it to anybody. Without both signatures it is
 * said all the same, and proves nothing to others; where one is no account's of the dataset, the service has made it up.
 * @throws ProofError when what is compared does not contradict itself; LedgerUnavailableError when a signature is looked for
 * and the chain cannot be read
 */
export async function proveContradiction(
  parts: ContradictionParts,
  { shorter, longer, growth }: Extract<HeadsCompared, { relation: 'contested' }>,
  signal?: AbortSignal,
): Promise<{ readonly fault: GrowthFault; readonly file: ContradictionFile | null }> {
  const { hasher, domain, devices, charters } = parts;
  const said = `Two heads of this dataset contradict each other: one has ${counted(shorter.size, 'block')}, the other ${longer.size}.`;
  const [one, other] = [await signedHead(parts, shorter, signal), await signedHead(parts, longer, signal)];
  if (one === null || other === null) {
    const missing = one === null ? shorter : longer;
    const reason = `${said} The signature of the head of ${counted(missing.size, 'block')} is missing, so this proves nobody's fault.`;
    return { fault: { kind: 'contested', reason, fault: null }, file: null };
  }
  const contradiction = { shorter: one.head, longer: other.head, growth };
  const proven = requireContradiction(hasher, domain, contradiction);
  const stranger = [proven.shorterSigner, proven.longerSigner].find((signer) => !devices.includes(signer));
  if (stranger !== undefined) {
    const reason = `${said} ${stranger} signed one of them, but no charter of the dataset names that account, so this proves nothing.`;
    return { fault: { kind: 'contested', reason, fault: null }, file: null };
  }
  const places = `${one.place}, signed by ${proven.shorterSigner}; ${other.place}, signed by ${proven.longerSigner}`;
  return {
    fault: {
      kind: 'contested',
      reason: `${said} ${places}.`,
      fault: proven.fault === null ? null : { party: 'writer', account: proven.fault },
    },
    file: {
      ...{ domain, contradiction, seen: { shorter: one.place, longer: other.place } },
      charters: charters.filter(({ signature }) => signature !== null),
    },
  };
}

async function signedHead(
  { signed, recorded, findSignature }: ContradictionParts,
  head: Head,
  signal?: AbortSignal,
): Promise<PlacedHead | null> {
  const known = signed.find((one) => isSame(one.head, head));
  if (known !== undefined) return known;
  if (recorded === null || !isSame(recorded, head)) return null;
  const signature = await findSignature(recorded, signal);
  if (signature === null) return null;
  // The serial is in no signature.
  return {
    head: { ...head, serial: 0, signature },
    place: `${counted(head.size, 'block')} on DISSC, recorded in chain block ${recorded.blockNumber}`,
  };
}

function isSame(one: Pick<Head, 'size' | 'root'>, other: Pick<Head, 'size' | 'root'>): boolean {
  return one.size === other.size && equalBytes(one.root, other.root);
}
