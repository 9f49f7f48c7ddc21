import { equalBytes, isZero, to0x } from '../../core/bytes.ts';
import type { BlockHeader } from '../../core/chain-proof/block-header.ts';
import { isSameCharter } from '../../core/charter/charter.ts';
import { type CharterHistory, charterHistory, deviceSerial } from '../../core/charter/charters-in-force.ts';
import { disowningCharter } from '../../core/charter/disowned.ts';
import { counted } from '../../core/counted.ts';
import { ChainAnswerError, PlumblineError, StateError } from '../../core/errors.ts';
import type { EvidenceFile, NamedChainBlock, NamedTransaction } from '../../core/evidence/evidence.ts';
import type { EvidenceFinding } from '../../core/evidence/verify-evidence.ts';
import { requireWholeRange } from '../../core/evidence/verify-range.ts';
import { rootOfPeaks } from '../../core/log/peaks.ts';
import { rebuildPeaks } from '../../core/log/rebuild-peaks.ts';
import type { ChainWitness } from '../../core/ports/chain-witness.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { afterSays, type ChainFact, chartersSay, recordSays, roundSays } from './chain-facts.ts';

/**
 * Asks a chain for all that evidence leaves to it. Each fact says what its answer rests on; one that could not be had does not
 * spoil the others.
 *
 * @example
 * import { createDisscWitness } from 'plumbline/adapters/ethereum/dissc-witness';
 * import { verifyEvidence } from 'plumbline/core/evidence/verify-evidence';
 * const finding = verifyEvidence(primitives, evidence, evidence.domain);
 * const { rpcUrl, chainId, dissc } = connection;
 * const chain = createDisscWitness({ rpcUrls: [rpcUrl], agree: 1, chainId, dissc, anchor: 'final' });
 * const facts = await witnessEvidence(primitives, evidence, finding, chain);
 * console.log(facts.every(({ holds }) => holds)); // true
 */
export async function witnessEvidence(
  primitives: Primitives,
  evidence: EvidenceFile,
  finding: EvidenceFinding,
  chain: ChainWitness,
  signal?: AbortSignal,
): Promise<ChainFact[]> {
  const witness = new Witness(primitives, evidence, finding, chain, signal);
  const { record, round } = evidence;
  const { notBefore } = finding;
  const facts: ChainFact[] = [];
  if (record !== null) facts.push(await witness.fact('record', recordSays(evidence), () => witness.record(record)));
  if (round !== null) facts.push(await witness.fact('round', roundSays(evidence, finding), () => witness.round(round)));
  facts.push(await witness.fact('today', "DISSC's present log continues from this head.", () => witness.today()));
  facts.push(await witness.fact('charters', chartersSay(evidence), () => witness.charters()));
  if (notBefore !== null) facts.push(await witness.fact('after', afterSays(notBefore), () => witness.after(notBefore)));
  return facts;
}

/** The chain says otherwise. */
class Contradiction extends Error {}

class Witness {
  readonly #primitives: Primitives;
  readonly #evidence: EvidenceFile;
  readonly #finding: EvidenceFinding;
  readonly #chain: ChainWitness;
  readonly #signal: AbortSignal | undefined;
  #newest: Promise<BlockHeader> | null = null;

  constructor(
    primitives: Primitives,
    evidence: EvidenceFile,
    finding: EvidenceFinding,
    chain: ChainWitness,
    signal: AbortSignal | undefined,
  ) {
    this.#primitives = primitives;
    this.#evidence = evidence;
    this.#finding = finding;
    this.#chain = chain;
    this.#signal = signal;
  }

  async fact(fact: ChainFact['fact'], says: string, ask: () => Promise<string>): Promise<ChainFact> {
    try {
      return { fact, says, holds: true, restsOn: await ask(), reason: null };
    } catch (cause) {
      this.#signal?.throwIfAborted();
      if (cause instanceof Contradiction)
        return { fact, says, holds: false, restsOn: this.#hosts(), reason: cause.message };
      if (!(cause instanceof PlumblineError)) throw cause;
      return { fact, says, holds: null, restsOn: null, reason: cause.shortMessage };
    }
  }

  async record(record: NamedTransaction): Promise<string> {
    const { dataset, head } = this.#evidence;
    const block = await this.#finalBlock(record);
    const { logs, by } = await this.#chain.readLogs(block, record.txHash, this.#signal);
    const found = logs.recorded.some(
      (one) =>
        one.dataset === dataset &&
        one.size === head.size &&
        equalBytes(one.root, head.root) &&
        one.signer === this.#finding.signer,
    );
    if (!found) throw new Contradiction(`DISSC has logged no such record in block ${block.number}.`);
    return this.#logsRestOn(block, by);
  }

  async round(round: NonNullable<EvidenceFile['round']>): Promise<string> {
    const block = await this.#finalBlock(round);
    const { logs, by } = await this.#chain.readLogs(block, round.txHash, this.#signal);
    const found = logs.rounds.some(
      (one) =>
        one.anchorer === round.anchorer && this.#finding.round !== null && equalBytes(one.round, this.#finding.round),
    );
    if (!found) throw new Contradiction(`${round.anchorer} has anchored no such round in block ${block.number}.`);
    return this.#logsRestOn(block, by);
  }

  /** Today's slots, by a state proof: apart from the date, which rests on the block of the record. */
  async today(): Promise<string> {
    const { dataset, head, round, record } = this.#evidence;
    const newest = await this.#readNewest();
    if (record === null && round !== null) {
      const root = await this.#chain.readRound(newest, round.anchorer, this.#signal);
      if (isZero(root)) throw new Contradiction(`DISSC has no round of ${round.anchorer} at block ${newest.number}.`);
      const isThis = this.#finding.round !== null && equalBytes(root, this.#finding.round);
      return `${this.#proofRestsOn(newest)}: ${isThis ? 'this round is the newest' : `the newest round of ${round.anchorer} is ${to0x(root)}, and holds this one as an earlier`}`;
    }
    const state = await this.#chain.readDataset(newest, dataset, this.#signal);
    if (state.size < head.size) {
      throw new Contradiction(
        `At block ${newest.number}, DISSC has only ${counted(state.size, 'block')} of the dataset; the evidence has ${head.size}.`,
      );
    }
    if (state.size > head.size) await this.#requireGrown(state, newest.number);
    else if (!equalBytes(state.root, head.root)) {
      throw new Contradiction(
        `At block ${newest.number}, DISSC has a different log of ${counted(head.size, 'block')}, with root ${to0x(state.root)}.`,
      );
    }
    const grown =
      state.size === head.size
        ? 'its head there is this one'
        : `its head there has ${counted(state.size, 'block')} and extends this one, by the hashes in DISSC's events, which lead to it`;
    return `${this.#proofRestsOn(newest)}: ${grown}`;
  }

  async charters(): Promise<string> {
    const { charters, dataset, head, range, blocks } = this.#evidence;
    const newest = await this.#readNewest();
    const events = await this.#chain.findChartered(dataset, newest.number, this.#signal);
    for (const { charter, chartered } of charters) {
      const event = events.find((one) => isSameCharter(one.charter, charter));
      if (chartered === null && charter.signature !== null && event === undefined) continue;
      if (
        event === undefined ||
        (chartered !== null && (chartered.blockNumber !== event.blockNumber || to0x(chartered.txHash) !== event.txHash))
      ) {
        throw new Contradiction(`DISSC has not logged charter ${charter.serial} as the evidence shows it.`);
      }
    }
    const shown = charters.flatMap(({ charter, chartered }) => (chartered === null ? [charter] : []));
    const history = charterHistory(shown, events);
    const { signer } = this.#finding;
    if (signer === null || deviceSerial(history, signer) !== head.serial) {
      throw new Contradiction(
        `According to the charters on the chain, ${signer} is not the device with serial ${head.serial}.`,
      );
    }
    const disowned = blocks.find(({ index }) => disowningCharter(history, index, signer) !== null);
    if (disowned !== undefined) {
      const by = disowningCharter(history, disowned.index, signer);
      throw new Contradiction(
        `The owner's charter ${by?.serial} disowns block ${disowned.index}: another device writes from block ${by?.from} on.`,
      );
    }
    if (range !== null) this.#requireWhole(history, range);
    return `${this.#hosts()}, whose logs show ${events.length} ${events.length === 1 ? 'charter' : 'charters'} of this dataset up to block ${newest.number}; only their word says that none is left out`;
  }

  async after(after: NamedChainBlock): Promise<string> {
    const block = await this.#requireBlock(after);
    return this.#blockRestsOn(block);
  }

  #requireWhole(history: CharterHistory, range: NonNullable<EvidenceFile['range']>): void {
    const { head, blocks } = this.#evidence;
    const byIndex = new Map(this.#finding.allMetas.map((one) => [one.index, one]));
    const dated = blocks.flatMap(({ index }) => byIndex.get(index) ?? []);
    try {
      requireWholeRange(history, head.size, range, dated);
    } catch (cause) {
      if (!(cause instanceof PlumblineError)) throw cause;
      throw new Contradiction(
        `According to the charters on the chain, blocks of this period are missing: ${cause.shortMessage}`,
      );
    }
  }

  async #requireGrown(state: { readonly size: number; readonly root: Uint8Array }, toBlock: number): Promise<void> {
    const { dataset, head } = this.#evidence;
    const events = await this.#chain.findRecorded(dataset, toBlock, this.#signal);
    let isThere = false;
    let last: Uint8Array | null = null;
    for (const peaks of rebuildPeaks(this.#primitives, events)) {
      last = rootOfPeaks(this.#primitives, peaks);
      if (peaks.size === head.size && equalBytes(last, head.root)) isThere = true;
      if (peaks.size === state.size) break;
    }
    if (last === null || !equalBytes(last, state.root)) {
      // The proof is right, so that the events are not all, or false.
      throw new ChainAnswerError(`The events do not lead to DISSC's head of ${counted(state.size, 'block')}.`);
    }
    if (!isThere) throw new Contradiction(`DISSC's present log never had this head of ${counted(head.size, 'block')}.`);
  }

  #readNewest(): Promise<BlockHeader> {
    this.#newest ??= this.#chain.readNewest(this.#signal);
    return this.#newest;
  }

  async #finalBlock(place: NamedChainBlock): Promise<BlockHeader> {
    const newest = await this.#readNewest();
    if (place.blockNumber > newest.number) {
      throw new StateError(
        `Block ${place.blockNumber} is not final yet: the newest final block is ${newest.number}. Ask again later.`,
      );
    }
    return this.#requireBlock(place);
  }

  async #requireBlock({ blockNumber, blockHash, timeSeconds }: NamedChainBlock): Promise<BlockHeader> {
    const block = await this.#chain.readBlock(blockNumber, this.#signal);
    if (block === null) throw new Contradiction(`The chain has no block ${blockNumber}.`);
    if (block.hash !== to0x(blockHash))
      throw new Contradiction(`Block ${blockNumber} of the chain is ${block.hash}, not ${to0x(blockHash)}.`);
    if (block.timeSeconds !== timeSeconds)
      throw new Contradiction(`Block ${blockNumber} was made at ${block.timeSeconds} s, not at ${timeSeconds} s.`);
    return block;
  }

  #hosts(): string {
    const { hosts, agree } = this.#chain;
    if (hosts.length === 1) return `the word of ${hosts[0]} alone`;
    return agree === hosts.length ? `${hosts.join(' and ')}, which agree` : `${agree} agreeing of ${hosts.join(', ')}`;
  }

  #blockRestsOn({ number, hash }: BlockHeader): string {
    return `block ${number}, whose fields hash to ${hash}; that this is the chain's block rests on ${this.#hosts()}`;
  }

  #logsRestOn(block: BlockHeader, by: 'receipts' | 'nodes'): string {
    return by === 'receipts'
      ? `all receipts of the block, which lead to the root in ${this.#blockRestsOn(block)}`
      : `what ${this.#hosts()} say of the transaction: no node shows all receipts of the block in a form known here; and on ${this.#blockRestsOn(block)}`;
  }

  #proofRestsOn(block: BlockHeader): string {
    return `a proof of DISSC's storage (eth_getProof) in the state of ${this.#blockRestsOn(block)}`;
  }
}
