import { attachedObjectHash } from '../block/attached-object.ts';
import { requireContentKey } from '../block/content-keys.ts';
import { blockDigest, openBlock } from '../block/digest.ts';
import { decodeMeta, metaHash } from '../block/meta.ts';
import { openDigest } from '../block/seal.ts';
import { equalBytes, to0x } from '../bytes.ts';
import { type Charter, datasetOfCharter, requireCharterSignature } from '../charter/charter.ts';
import {
  type CharterHistory,
  charterHistory,
  charterInForce,
  deviceSerial,
  doesRoundCount,
} from '../charter/charters-in-force.ts';
import { decodeDatasetName } from '../charter/dataset-name.ts';
import { disowningCharter } from '../charter/disowned.ts';
import { ATTACHED, type DatasetKind, ENCRYPTED } from '../charter/kind.ts';
import { DISSC_ADDRESS } from '../dissc-address.ts';
import { PlumblineError, ProofError } from '../errors.ts';
import type { Address, BlockIndex, RoundRoot } from '../ids.ts';
import { GCM_TAG_BYTES, MAX_CONTENT_BYTES } from '../limits.ts';
import { recoverHeadSigner } from '../log/head.ts';
import { isPlainRecord, recordBytes } from '../log/record.ts';
import { requireRecords } from '../log/verify-records.ts';
import type { Primitives } from '../ports/primitives.ts';
import { leafOfHead } from '../rounds/map-leaf.ts';
import { mapFromProof } from '../rounds/map-proof.ts';
import { roundBody, roundRoot } from '../rounds/round.ts';
import type { EvidenceBlock, EvidenceFile } from './evidence.ts';
import { type DatedBlock, requireWholeRange } from './verify-range.ts';

/** What a step found, by name: hashes in hex, numbers as they are. */
export type StepValues = Readonly<Record<string, string | number | null>>;

/** One step from the bytes to the chain, in the order of the paper's Table III as far as that has it. */
export interface EvidenceStep {
  readonly step:
    | 'contract'
    | 'charter'
    | 'head'
    | 'round'
    | 'record'
    | 'open'
    | 'compare'
    | 'meta'
    | 'bytes'
    | 'range'
    // Of a token, which only a program that reads it checks.
    | 'timestamp';
  /** The paper's step; null where it has none. */
  readonly paper: string | null;
  readonly title: string;
  readonly values: StepValues;
  /** Why it fails; null when it holds. */
  readonly reason: string | null;
}

/** What a reader brings along: evidence does not say what it is measured by. */
export interface EvidenceTrust {
  /** The contract that counts: `DISSC_ADDRESS`, or another that the reader has named. */
  readonly dissc: Address;
}

/** What evidence proves by itself, before any chain was asked. */
export interface EvidenceFinding {
  /** Whether every step holds. Where one does not, the evidence proves nothing. */
  readonly holds: boolean;
  /** Up to the first that does not hold. */
  readonly steps: readonly EvidenceStep[];
  readonly reason: string | null;
  readonly owner: Address;
  readonly name: string;
  readonly kind: DatasetKind;
  /** The account that signed the head; null where that does not hold. */
  readonly signer: Address | null;
  /** The blocks that are proven, those at the ends of a time range aside. */
  readonly blocks: readonly BlockIndex[];
  /** Of the stored bytes of these blocks. */
  readonly sizeBytes: number;
  /** What they say about themselves, where that is shown, in their order. */
  readonly metas: readonly DatedBlock[];
  /** The same of all that are shown, those at the ends of a time range too. */
  readonly allMetas: readonly DatedBlock[];
  /** Those whose stored bytes the file brings along and that were hashed here. */
  readonly hashed: readonly BlockIndex[];
  /** Blocks that a later charter shown here disowns. */
  readonly disowned: readonly BlockIndex[];
  /** Blocks before which the device's clock was set back, where a time range is claimed. */
  readonly setBack: readonly BlockIndex[];
  /** The root of the round that is shown: what the chain has to have. */
  readonly round: RoundRoot | null;
  /** The earliest chain block that all of them are younger than; null where one of them names none. */
  readonly notBefore: EvidenceFile['after'][number] | null;
}

/**
 * Checks all that evidence shows, with nothing but its own bytes. That the chain has the head, and since when, the chain has to
 * say: `record` and `round` name where.
 * @param trust the contract that counts; evidence of any other proves nothing
 * @param show the block whose values the steps show; the first one when not given
 * @throws nothing that hostile evidence can cause: what does not hold is a step with its reason
 * @example
 * const finding = verifyEvidence(primitives, parseEvidence(file), { dissc: DISSC_ADDRESS });
 * if (!finding.holds) throw new Error(finding.reason);
 */
export function verifyEvidence(
  primitives: Primitives,
  evidence: EvidenceFile,
  trust: EvidenceTrust,
  show?: BlockIndex,
): EvidenceFinding {
  const run = new Verification(primitives, evidence, trust, show);
  for (const step of STEPS) {
    if (step.isWanted?.(evidence) === false) continue;
    let values: StepValues = {};
    let reason: string | null = null;
    try {
      values = run[step.step]();
    } catch (cause) {
      if (!(cause instanceof PlumblineError)) throw cause;
      reason = cause.shortMessage;
    }
    run.steps.push({ step: step.step, paper: step.paper, title: step.title, values, reason });
    if (reason !== null) break;
  }
  return run.finding();
}

interface StepOfVerification extends Pick<EvidenceStep, 'paper' | 'title'> {
  readonly step: Exclude<EvidenceStep['step'], 'timestamp'>;
  readonly isWanted?: (evidence: EvidenceFile) => boolean;
}

const STEPS: readonly StepOfVerification[] = [
  { step: 'contract', paper: null, title: 'The evidence rests on the right contract' },
  { step: 'charter', paper: null, title: "The owner's signed charters name the device that writes this dataset" },
  { step: 'head', paper: '4', title: "The device's signature is on the log's head" },
  {
    step: 'round',
    paper: null,
    title: 'The round holds this head',
    isWanted: ({ round }) => round !== null,
  },
  { step: 'record', paper: '11, 12', title: 'Each block has its record, Encrypted[Hash(DataBlock)], in that log' },
  { step: 'open', paper: '13', title: "Each block's key opens its record" },
  { step: 'compare', paper: '10, 14', title: 'Each opening hashes to what its record seals' },
  { step: 'meta', paper: null, title: "Each block's meta and content key are the recorded ones" },
  {
    step: 'bytes',
    paper: '9, 10',
    title: 'The stored bytes in the file hash to the opening',
    isWanted: ({ blocks }) => blocks.some(({ bytes }) => bytes !== null),
  },
  {
    step: 'range',
    paper: null,
    title: 'These are all the blocks of the period',
    isWanted: ({ range }) => range !== null,
  },
];

class Verification {
  readonly steps: EvidenceStep[] = [];
  readonly #primitives: Primitives;
  readonly #evidence: EvidenceFile;
  readonly #trust: EvidenceTrust;
  readonly #shown: EvidenceBlock;
  readonly #history: CharterHistory;
  readonly #first: Charter;
  #signer: Address | null = null;
  #round: RoundRoot | null = null;
  #hashed: BlockIndex[] = [];
  #metas: DatedBlock[] = [];
  #within: ReadonlySet<BlockIndex> | null = null;
  #setBack: readonly BlockIndex[] = [];

  constructor(primitives: Primitives, evidence: EvidenceFile, trust: EvidenceTrust, show: BlockIndex | undefined) {
    const { blocks } = evidence;
    this.#primitives = primitives;
    this.#evidence = evidence;
    this.#trust = trust;
    this.#shown = blocks.find(({ index }) => index === show) ?? (blocks[0] as EvidenceBlock);
    this.#history = historyShown(evidence);
    this.#first = evidence.charters[0]?.charter as Charter;
  }

  contract(): StepValues {
    const { chainId, dissc } = this.#evidence.domain;
    if (dissc !== this.#trust.dissc) {
      const expected =
        this.#trust.dissc === DISSC_ADDRESS
          ? `not on DISSC, which is at ${DISSC_ADDRESS} on every chain`
          : `not on ${this.#trust.dissc}, which you named`;
      throw new ProofError(
        `It rests on the contract ${dissc}, ${expected}. Another contract may have recorded anything. If you know and trust its code, name it: plumb verify --dissc ADDRESS.`,
      );
    }
    return { contract: dissc, chain: chainId };
  }

  charter(): StepValues {
    const { domain, dataset, charters, record, round } = this.#evidence;
    for (const { charter, chartered } of charters) {
      if (datasetOfCharter(domain, charter) !== dataset) {
        throw new ProofError(
          `Charter ${charter.serial} belongs to another dataset, because its id, owner, name and kind do not match.`,
        );
      }
      // Where the chain has it, the chain says so; off the chain it is the owner's word alone.
      if (charter.signature !== null || chartered === null) requireCharterSignature(domain, charter);
    }
    const at = record ?? round;
    const inForce = at === null ? null : charterInForce(this.#history, at.blockNumber);
    const { owner, name, kind } = this.#first;
    return {
      dataset,
      ...{ owner, name: decodeDatasetName(name), kind, charters: charters.length },
      ...{ device: inForce?.device ?? null, serial: inForce?.serial ?? null, from: inForce?.from ?? null },
      signature: to0x(
        charters.find(({ charter }) => charter.serial === inForce?.serial)?.charter.signature ?? new Uint8Array(),
      ),
    };
  }

  head(): StepValues {
    const { domain, head, round } = this.#evidence;
    const signer = recoverHeadSigner(domain, head, head.signature);
    const serial = deviceSerial(this.#history, signer);
    if (serial !== head.serial) {
      const named =
        serial === null
          ? 'no charter in the file names that account'
          : `the charters give that account the serial ${serial}, not ${head.serial}`;
      throw new ProofError(`${signer} signed the head of ${head.size} blocks, but ${named}.`);
    }
    if (round !== null && !doesRoundCount(this.#history, round)) {
      throw new ProofError(
        `The charter valid at chain block ${round.blockNumber} does not name the anchorer ${round.anchorer}.`,
      );
    }
    this.#signer = signer;
    return { size: head.size, root: to0x(head.root), signature: to0x(head.signature), signer };
  }

  round(): StepValues {
    const { head, round } = this.#evidence;
    if (round === null) throw new ProofError('There is no round.');
    const { number, timeSeconds, previous, history, path } = round;
    const { map } = mapFromProof(this.#primitives, head.dataset, { path, end: leafOfHead(this.#primitives, head) });
    const body = roundBody(this.#primitives, number, history, map);
    this.#round = roundRoot(this.#primitives, timeSeconds, previous, body);
    return {
      number,
      map: to0x(map),
      body: to0x(body),
      timeSeconds,
      round: to0x(this.#round),
      anchorer: round.anchorer,
    };
  }

  record(): StepValues {
    const { head, blocks, proof } = this.#evidence;
    requireRecords(this.#primitives, head, blocks, proof);
    const { index, record } = this.#shown;
    return { block: index, record: to0x(recordBytes(record)), nodes: proof.length, root: to0x(head.root) };
  }

  open(): StepValues {
    let shown: Uint8Array | null = null;
    for (const block of this.#evidence.blocks) {
      const opened = this.#openDigest(block);
      if (block === this.#shown) shown = opened;
    }
    return {
      block: this.#shown.index,
      blockKey: to0x(this.#shown.blockKey),
      digest: shown === null ? null : to0x(shown),
    };
  }

  compare(): StepValues {
    const { dataset, blocks } = this.#evidence;
    for (const block of blocks) {
      const { index, opening } = block;
      if (equalBytes(this.#openDigest(block), blockDigest(this.#primitives, { dataset, index }, opening))) continue;
      throw new ProofError(`The opening of block ${index} does not match its record.`);
    }
    const { index, opening } = this.#shown;
    const { size, sha256, chunkRoot, metaHash: hash } = opening;
    return { block: index, size, sha256: to0x(sha256), chunkRoot: to0x(chunkRoot), metaHash: to0x(hash) };
  }

  meta(): StepValues {
    for (const block of this.#evidence.blocks) this.#requireMeta(block);
    const hashes = new Set(this.#metas.flatMap(({ meta }) => (meta.after === undefined ? [] : [to0x(meta.after)])));
    for (const { blockHash } of this.#evidence.after) {
      if (!hashes.has(to0x(blockHash))) throw new ProofError(`No block names the chain block ${to0x(blockHash)}.`);
    }
    const { index, meta } = this.#shown;
    const about = this.#metas.find((one) => one.index === index)?.meta;
    return {
      block: index,
      ...{ meta: meta === null ? null : to0x(meta), at: about?.at ?? null, name: about?.name ?? null },
      after: about?.after === undefined ? null : to0x(about.after),
    };
  }

  bytes(): StepValues {
    for (const { index, bytes, opening } of this.#evidence.blocks) {
      if (bytes === null) continue;
      requireStored(this.#primitives, index, opening, bytes);
      this.#hashed.push(index);
    }
    return { hashed: this.#hashed.length, of: this.#evidence.blocks.length };
  }

  range(): StepValues {
    const { head, range, blocks } = this.#evidence;
    if (range === null) throw new ProofError('The evidence claims no period.');
    if (this.#metas.length !== blocks.length)
      throw new ProofError('The evidence claims a whole period but leaves out metas.');
    const whole = requireWholeRange(this.#history, head.size, range, this.#metas);
    this.#within = new Set(whole.within.map(({ index }) => index));
    this.#setBack = whole.setBack;
    const { from, to } = range;
    return { from, to, within: whole.within.length, ends: whole.ends.length, upTo: head.size };
  }

  finding(): EvidenceFinding {
    const { evidence, within } = { evidence: this.#evidence, within: this.#within };
    const failed = this.steps.find(({ reason }) => reason !== null);
    const isWithin = ({ index }: { readonly index: BlockIndex }): boolean => within === null || within.has(index);
    const blocks = evidence.blocks.filter(isWithin);
    const metas = this.#metas.filter(isWithin);
    const signer = this.#signer;
    const { owner, name, kind } = this.#first;
    return {
      holds: failed === undefined,
      steps: this.steps,
      reason: failed?.reason ?? null,
      ...{ owner, name: decodeDatasetName(name), kind, signer },
      blocks: blocks.map(({ index }) => index),
      sizeBytes: blocks.reduce((sum, { opening }) => sum + opening.size, 0),
      metas,
      allMetas: this.#metas,
      hashed: this.#hashed.filter((index) => isWithin({ index })),
      disowned:
        signer === null
          ? []
          : blocks
              .filter(({ index }) => disowningCharter(this.#history, index, signer) !== null)
              .map(({ index }) => index),
      setBack: this.#setBack,
      round: this.#round,
      notBefore: metas.length === blocks.length ? earliestAfter(evidence, metas) : null,
    };
  }

  #openDigest({ index, record, blockKey }: EvidenceBlock): Uint8Array {
    try {
      return openDigest(this.#primitives, record.sealed, record.commitment, blockKey);
    } catch (cause) {
      if (!(cause instanceof PlumblineError)) throw cause;
      throw new ProofError(`The key for block ${index} does not match its record.`, { cause });
    }
  }

  #requireMeta({ index, meta, opening, object, contentKey, record }: EvidenceBlock): void {
    const { kind } = this.#first;
    const isEncrypted = kind === ENCRYPTED;
    if (isEncrypted === isPlainRecord(record))
      throw new ProofError(`The record of block ${index} does not fit the dataset's kind.`);
    const isSized = isEncrypted ? opening.size > GCM_TAG_BYTES : opening.size <= MAX_CONTENT_BYTES;
    if (!isSized)
      throw new ProofError(`Block ${index} has ${opening.size} bytes, which no block of this kind can have.`);
    if (contentKey !== null) {
      if (!isEncrypted)
        throw new ProofError(`The evidence has a content key for block ${index}, which is not encrypted.`);
      requireContentKey(this.#primitives, record.contentCommitment, contentKey, index);
    }
    if (object !== null && meta === null)
      throw new ProofError(`The evidence has the object of block ${index} but not the meta that binds it.`);
    if (meta === null) return;
    if (!equalBytes(metaHash(this.#primitives, meta), opening.metaHash)) {
      throw new ProofError(`The meta of block ${index} does not match its opening.`);
    }
    const about = decodeMeta(meta);
    this.#metas.push({ index, meta: about });
    if ((kind === ATTACHED) !== (about.object !== undefined) || (about.object !== undefined) !== (object !== null)) {
      throw new ProofError(`Block ${index} must name an object if the dataset is attached, and only then.`);
    }
    if (object === null || about.object === undefined) return;
    if (!equalBytes(attachedObjectHash(this.#primitives, object), about.object)) {
      throw new ProofError(`The object of block ${index} does not match its meta.`);
    }
  }
}

/** @throws ProofError unless these are the stored bytes that an opening is of */
export function requireStored(
  primitives: Primitives,
  index: BlockIndex,
  opening: EvidenceBlock['opening'],
  bytes: Uint8Array,
): void {
  const { size, sha256, chunkRoot } = openBlock(primitives, bytes, new Uint8Array());
  if (size !== opening.size || !equalBytes(sha256, opening.sha256)) {
    throw new ProofError(`The bytes of block ${index} are not the recorded ones.`);
  }
  if (!equalBytes(chunkRoot, opening.chunkRoot)) {
    throw new ProofError(
      `The chunk root recorded for block ${index} does not match its recorded bytes. The fault is the writer's.`,
    );
  }
}

/** The charters that evidence shows, as a history: places on the chain are its maker's word. */
export function historyShown({ charters }: Pick<EvidenceFile, 'charters'>): CharterHistory {
  return charterHistory(
    charters.flatMap(({ charter, chartered }) => (chartered === null ? [charter] : [])),
    charters.flatMap(({ charter, chartered }) =>
      chartered === null ? [] : [{ charter, blockNumber: chartered.blockNumber, logIndex: 0 }],
    ),
  );
}

function earliestAfter({ after }: EvidenceFile, metas: readonly DatedBlock[]): EvidenceFile['after'][number] | null {
  const known = new Map(after.map((one) => [to0x(one.blockHash), one]));
  let earliest: EvidenceFile['after'][number] | null = null;
  for (const { meta } of metas) {
    const named = meta.after === undefined ? undefined : known.get(to0x(meta.after));
    if (named === undefined) return null;
    if (earliest === null || named.blockNumber < earliest.blockNumber) earliest = named;
  }
  return earliest;
}
