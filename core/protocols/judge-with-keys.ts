import type { BlockKeys, KeyPayload } from '../agreement/key-payload.ts';
import type { KeyRefusal } from '../agreement/key-request.ts';
import { blockDigest, type Opening } from '../block/digest.ts';
import { commitKey, openDigest } from '../block/seal.ts';
import { equalBytes } from '../bytes.ts';
import { PlumblineError } from '../errors.ts';
import type { BlockIndex } from '../ids.ts';
import type { Head } from '../log/head.ts';
import { recordBytes } from '../log/record.ts';
import type { RecordSource } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Evidence, Verdict } from '../verdict.ts';
import type { StorageAnswer } from './challenge-storage.ts';
import { type Case, verdictOn, verdictOnFault, verdictsOnMissing } from './judge-block.ts';
import { type ProvenRecord, proveRecords } from './prove-records.ts';
import type { SignerOf } from './signers.ts';

/** Why a block is not judged whose owner is silent: nothing is known against the storage. */
export const NO_KEY = 'The owner has sent no key of this block.';

/** What the owner sends for a request: keys, and for which blocks none. */
export interface ReceivedKeys {
  readonly payloads: readonly KeyPayload[];
  readonly refusals: readonly KeyRefusal[];
}

/**
 * Asks the owner for the keys of blocks (Table IV step 5, Table V step 4). Only what has arrived comes back: an owner who is silent
 * until the time is over has sent nothing.
 */
export type RequestKeys = (blocks: readonly BlockIndex[], signal?: AbortSignal) => Promise<ReceivedKeys>;

/** What a consumer checks with. Neither the owner nor the storage is believed. */
export interface ConsumerProtocol {
  readonly primitives: Primitives;
  /** Of the log that the agreement is bound to: read from OCASC, which took it from DISSC. */
  readonly log: Head;
  readonly records: RecordSource;
  readonly requestKeys: RequestKeys;
  readonly signerOf: SignerOf;
}

/** One window of Tables IV and V: records first, then the storage's answers, and only then the keys. */
export async function verifyWindow(
  deps: ConsumerProtocol,
  evidence: Evidence,
  blocks: readonly number[],
  answer: (records: readonly ProvenRecord[]) => Promise<ReadonlyMap<number, StorageAnswer>>,
  signal?: AbortSignal,
): Promise<Verdict[]> {
  const found = await proveRecords({ hasher: deps.primitives, records: deps.records }, [deps.log], blocks, signal);
  const answers = await answer(found.proven);
  // The storage has answered before the owner learns which blocks were sampled: the two could agree on nothing.
  const opened = found.proven.filter(({ index }) => hasOpening(answers.get(index)));
  const keys = await receiveKeys(
    deps,
    opened.map(({ index }) => index),
    signal,
  );
  const verdicts = found.proven.map((record): Verdict => {
    const trial = caseOf(deps, record, evidence);
    const said = answers.get(record.index) as StorageAnswer;
    if ('kind' in said) return verdictOnFault(evidence, said, trial.signer);
    if ('reason' in said) return verdictOn(trial, 'corrupted', said.reason);
    return keys === null || 'error' in keys
      ? verdictOn(trial, 'unavailable', keys?.error ?? NO_KEY)
      : judgeWithKeys(deps.primitives, trial, findKeys(keys, record.index), said.opening);
  });
  return [...verdicts, ...verdictsOnMissing(evidence, found, deps.signerOf)].sort((a, b) => a.index - b.index);
}

/** The keys of one block and what they came with, or why there are none. */
export type FoundKeys = ShownKeys | { readonly refusal: string } | null;

export interface ShownKeys {
  readonly payload: KeyPayload;
  readonly block: BlockKeys;
}

export function findKeys(keys: ReceivedKeys, index: BlockIndex): FoundKeys {
  for (const payload of keys.payloads) {
    const block = payload.blocks.find((one) => one.index === index);
    if (block !== undefined) return { payload, block };
  }
  const refusal = keys.refusals.find(({ blocks }) => blocks.includes(index));
  return refusal === undefined ? null : { refusal: refusal.reason };
}

/**
 * Table IV steps 11–12, Table V steps 10–11: opens the sealed digest with the key that the owner has sent and compares. A key that is not
 * the one committed to in the log is the owner's doing: the owner's signed message shows it.
 * @throws ArgumentError for an opening whose hashes are not 32 bytes
 */
export function judgeWithKeys(
  hasher: Pick<Primitives, 'sha256'>,
  trial: Case,
  keys: FoundKeys,
  computed: Opening,
): Verdict {
  const { dataset } = trial;
  const { index, record } = trial.record;
  if (keys === null) return verdictOn(trial, 'unavailable', NO_KEY);
  if ('refusal' in keys) return verdictOn(trial, 'refused', `The owner refused the key: ${keys.refusal}`);
  const { block } = keys;
  if (!equalBytes(recordBytes(block.record), recordBytes(record))) {
    return ownersFault(trial, "The owner's record of this block differs from the one in the log.");
  }
  if (!equalBytes(commitKey(hasher, block.blockKey), record.commitment)) {
    return ownersFault(trial, 'The owner sent a key that does not match the log.');
  }
  const recorded = openDigest(hasher, record.sealed, record.commitment, block.blockKey);
  const id = { dataset, index };
  if (equalBytes(recorded, blockDigest(hasher, id, computed))) return verdictOn(trial, 'intact', null);
  // The owner's opening is believed where it opens the recorded digest: then it says what the writer recorded.
  const isRecorded = equalBytes(recorded, blockDigest(hasher, id, block.opening));
  if (isRecorded && trial.evidence === 'retrieved' && equalBytes(block.opening.sha256, computed.sha256)) {
    const differs = block.opening.size !== computed.size || !equalBytes(block.opening.chunkRoot, computed.chunkRoot);
    if (differs) {
      const reason = 'The recorded size or chunk root does not match the bytes with the recorded SHA-256.';
      return { ...verdictOn(trial, 'misrecorded', reason), blame: 'writer' };
    }
  }
  return verdictOn(
    trial,
    'corrupted',
    `The stored block does not hash to the recorded digest${differing(isRecorded, block.opening, computed)}.`,
  );
}

export function caseOf(
  deps: Pick<ConsumerProtocol, 'log' | 'signerOf'>,
  record: ProvenRecord,
  evidence: Evidence,
): Case {
  return { dataset: deps.log.dataset, record, evidence, signer: deps.signerOf(record.index) };
}

async function receiveKeys(
  deps: ConsumerProtocol,
  blocks: readonly number[],
  signal: AbortSignal | undefined,
): Promise<ReceivedKeys | { readonly error: string } | null> {
  if (blocks.length === 0) return null;
  try {
    return await deps.requestKeys(blocks, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    return { error: `The owner's keys did not arrive: ${cause.shortMessage}` };
  }
}

function hasOpening(answer: StorageAnswer | undefined): boolean {
  return answer !== undefined && 'opening' in answer;
}

function ownersFault(trial: Case, reason: string): Verdict {
  return { ...verdictOn(trial, 'refused', reason), blame: 'owner' };
}

function differing(isRecorded: boolean, recorded: Opening, computed: Opening): string {
  if (!isRecorded) return '';
  const parts = [
    ...(recorded.size === computed.size ? [] : ['size']),
    ...(equalBytes(recorded.sha256, computed.sha256) ? [] : ['SHA-256']),
    ...(equalBytes(recorded.chunkRoot, computed.chunkRoot) ? [] : ['chunk root']),
    ...(equalBytes(recorded.metaHash, computed.metaHash) ? [] : ['meta']),
  ];
  return `: other ${parts.join(', ')}`;
}
