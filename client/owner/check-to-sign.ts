import { equalBytes } from '../../core/bytes.ts';
import { chartersBySerial } from '../../core/charter/charters-in-force.ts';
import { blocksToExtend } from '../../core/charter/disowned.ts';
import { counted } from '../../core/counted.ts';
import type { ContradictionFile } from '../../core/evidence/contradiction-file.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Head, SignedHead } from '../../core/log/head.ts';
import type { SeenHeads } from '../../core/ports/head-memory.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { compareHeads } from '../growth/compare-heads.ts';
import type { GrowthFault, GrowthReport } from '../growth/growth-report.ts';
import { type PlacedHead, proveContradiction } from '../growth/prove-contradiction.ts';
import type { RoundSources } from '../growth/round-standing.ts';
import { type ReadLog, readLog } from '../read-anchor.ts';

/** Whether the owner should put its name to a head, by what this verifier has seen of the dataset. */
export interface SignCheck {
  /** As a verification has it, and what is wrong with the head itself. */
  readonly growth: GrowthReport;
  /**
   * Why it should not, in sentences; empty where it may. What an anchorer has done wrong is no reason: a record on DISSC is the
   * remedy against that.
   */
  readonly refused: readonly string[];
}

export interface HeadToSign {
  readonly newest: Head | SignedHead;
  /** True for the head that DISSC has: rounds may hold more of the same log. Else it is the newest that there is. */
  readonly mayBeShorter: boolean;
}

/** A head that was seen, as far as later ones must extend it. */
interface SeenHead {
  readonly head: Head;
  readonly signed: PlacedHead | null;
  readonly place: string;
}

/**
 * Compares a head that the owner is about to record, or to make an offer about, with what DISSC, the newest round and this
 * verifier's memory have of the dataset: it must extend all that was seen. What cannot be compared is refused too, since a storage
 * that hides a second history shows nothing of it.
 * @throws LedgerUnavailableError when the chain cannot be read; ProofError as `readRound`
 *
 * @example
 * const [newest] = (await ledger.readHeads([dataset], 'latest')).heads;
 * const { refused } = await checkToSign(rounds, ledger, fromBlock, { newest, mayBeShorter: true });
 * console.log(refused.length); // 0
 */
export async function checkToSign(
  sources: RoundSources,
  ledger: Ledger,
  fromBlock: number,
  { newest, mayBeShorter }: HeadToSign,
  signal?: AbortSignal,
): Promise<SignCheck> {
  const { dataset } = newest;
  const seen = sources.memory?.readHeads(dataset) ?? null;
  const log = await readLog(ledger, dataset, 'final', fromBlock, signal, sources);
  const faults: GrowthFault[] = [...log.round.growth.faults];
  const contradictions = [...log.round.growth.contradictions];
  const refused = faults
    .filter(({ kind }) => kind === 'contested' || kind === 'chain went back')
    .map(({ reason }) => reason);

  for (const { head, signed, place } of seenHeads(dataset, seen, log)) {
    if (newest.size < head.size && !mayBeShorter) {
      const reason = `The log went back. It now has ${counted(newest.size, 'block')}; this home has seen ${place}.`;
      faults.push({ kind: 'went back', reason, fault: null });
      refused.push(reason);
      continue;
    }
    const { hasher, service, findSignature } = sources;
    const compared = await compareHeads({ hasher, service, dataset, round: null }, head, newest, signal);
    if (compared.relation === 'unknown') {
      refused.push(
        `It is unknown whether the present ${counted(newest.size, 'block')} and the earlier ${place} are one log, because ${compared.why}.`,
      );
    } else if (compared.relation === 'contested' && !contradictions.some((file) => isSame(file, compared))) {
      const newestPlace = `${counted(newest.size, 'block')}, which the service shows as the newest`;
      const parts = {
        ...{ hasher, domain: ledger.domain, findSignature, recorded: log.updates.at(-1) ?? null },
        devices: chartersBySerial(log.round.charters).map(({ device }) => device),
        charters: sources.chartersOf(dataset),
        signed: [
          ...(signed === null ? [] : [signed]),
          ...('signature' in newest ? [{ head: newest, place: newestPlace }] : []),
        ],
      };
      const { fault, file } = await proveContradiction(parts, compared, signal);
      if (file !== null) contradictions.push(file);
      faults.push(fault);
      refused.push(fault.reason);
    }
  }
  return { growth: { ...log.round.growth, faults, contradictions }, refused };
}

/** Two heads that contradict each other in the newest round need not be said again. */
function isSame(
  { contradiction }: ContradictionFile,
  { shorter, longer }: { readonly shorter: Head; readonly longer: Head },
): boolean {
  return (
    equalBytes(contradiction.shorter.root, shorter.root) &&
    equalBytes(contradiction.longer.root, longer.root) &&
    contradiction.shorter.size === shorter.size
  );
}

/** What was seen before this command, and what the newest round holds now. */
function seenHeads(dataset: DatasetId, seen: SeenHeads | null, { point, round }: ReadLog): SeenHead[] {
  const heads: SeenHead[] = [];
  for (const held of [seen?.round ?? null, round.remember?.round ?? null]) {
    if (held === null) continue;
    const { shown, anchorer, signer, blockNumber } = held;
    const { head, number } = shown;
    const final = { signer, blockNumber, logIndex: 0, size: head.size, isRecorded: false };
    // Of an earlier device's head, what lies above its successor's beginning need not be extended.
    if (blocksToExtend(round.charters, final) < head.size) continue;
    if (heads.some((other) => other.head.size === head.size && equalBytes(other.head.root, head.root))) continue;
    const place = `${counted(head.size, 'block')} in round ${number} of ${anchorer}, chain block ${blockNumber}`;
    heads.push({ head, signed: { head, place }, place });
  }
  // A node that has come as far was compared with it already.
  if (seen?.recorded != null && point.blockNumber < seen.recorded.blockNumber) {
    const { size, root, blockNumber } = seen.recorded;
    heads.push({
      head: { dataset, size, root },
      signed: null,
      place: `${counted(size, 'block')} on DISSC at chain block ${blockNumber}`,
    });
  }
  return heads;
}
