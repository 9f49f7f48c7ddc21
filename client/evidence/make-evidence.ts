import { decodeMeta } from '../../core/block/meta.ts';
import { equalBytes, fromHex, to0x } from '../../core/bytes.ts';
import { isSameCharter, requireCharterSignature, type SignedCharter } from '../../core/charter/charter.ts';
import { charterHistory, chartersBySerial, deviceSerial } from '../../core/charter/charters-in-force.ts';
import { counted } from '../../core/counted.ts';
import { DefectError, PlumblineError, StateError } from '../../core/errors.ts';
import type {
  EvidenceBlock,
  EvidenceFile,
  EvidenceRound,
  NamedChainBlock,
  NamedTransaction,
  ShownCharter,
} from '../../core/evidence/evidence.ts';
import { verifyEvidence } from '../../core/evidence/verify-evidence.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { type Head, recoverHeadSigner, type SignedHead } from '../../core/log/head.ts';
import type { ChainBlocks } from '../../core/ports/chain-blocks.ts';
import type { Anchor, Ledger, RecordedEvent } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { RoundSources } from '../growth/round-standing.ts';
import type { OpenSource } from '../owner/block-source.ts';
import { type AnchoredHead, readAnchor } from '../read-anchor.ts';
import { chooseBlocks, type WantedBlocks } from './choose-blocks.ts';
import type { EvidenceKeys } from './evidence-keys.ts';
import { findRound } from './find-round.ts';
import { BlockOpener, type Shown } from './open-blocks.ts';

export interface EvidenceDeps {
  readonly primitives: Primitives;
  readonly ledger: Ledger;
  readonly chainBlocks: ChainBlocks;
  readonly openSource: OpenSource;
  /** Where to read rounds; without it, only what DISSC has recorded counts. */
  readonly rounds?: RoundSources;
  readonly keys: EvidenceKeys;
  /** Known charters, with their signatures if known. */
  readonly charters: readonly SignedCharter[];
  /** Signs a charter again of which nobody has kept the owner's signature; null where the owner's key is not here. */
  readonly signCharter: ((charter: SignedCharter) => Uint8Array) | null;
}

export interface WantedEvidence {
  readonly dataset: DatasetId;
  readonly anchor: Anchor;
  readonly fromBlock: number;
  readonly blocks: WantedBlocks;
  readonly show: Shown;
}

/** More chain blocks than these are not named: then nothing is said of the earliest time. */
const MAX_AFTER = 1_024;
/** Recorded heads that are tried, the first that covers the blocks first: its signature or a record may be lost. */
const MAX_HEADS = 8;

/**
 * Makes evidence of blocks: opens them, proves them in the first head on the chain that covers them, and checks the result as its
 * reader will.
 * @param onProgress receives how much is done, of how much: blocks searched for a file, then blocks opened
 * @throws ArgumentError, StateError saying what cannot be shown; NotRecordedError; LedgerUnavailableError; StoreUnavailableError
 *
 * @example
 * import { createChainBlocks } from 'plumbline/adapters/ethereum/chain-blocks';
 * import { keysOfOwner } from 'plumbline/client/evidence/evidence-keys';
 * import { encodeEvidence } from 'plumbline/core/evidence/encode-evidence';
 * const keys = keysOfOwner(primitives, datasetKeyOf);
 * const chainBlocks = createChainBlocks(connection);
 * const deps = { primitives, ledger, openSource, rounds, chainBlocks, keys, charters, signCharter: null };
 * const blocks = { by: 'block', blocks: [{ from: 0, to: 1 }] } as const;
 * const show = { metas: true, content: true, bytes: false };
 * const evidence = await makeEvidence(deps, { dataset, anchor: 'final', fromBlock, blocks, show });
 * await writeFile(`${folder}/first.evidence.json`, encodeEvidence(evidence));
 * console.log(evidence.blocks.length); // 2
 */
export async function makeEvidence(
  deps: EvidenceDeps,
  wanted: WantedEvidence,
  onProgress: (done: number, all: number, doing: 'search' | 'open') => void = () => {},
  signal?: AbortSignal,
): Promise<EvidenceFile> {
  const { primitives, ledger, keys } = deps;
  const { dataset, anchor, fromBlock } = wanted;
  const log = await readAnchor(ledger, dataset, anchor, fromBlock, signal, deps.rounds);
  const source = await deps.openSource(log, signal);
  const opener = new BlockOpener({ primitives, dataset, keys, source, log }, signal);
  const { blocks, range, toEnd } = await chooseBlocks(log, wanted.blocks, opener, source.guessTimes, (done) =>
    onProgress(done, log.head.size, 'search'),
  );
  const charters = await showCharters(deps, wanted, log, signal);
  const newest = toEnd ? log.head.size - 1 : (blocks.at(-1) as number);

  const problems: string[] = [];
  for (const standing of await standingsOf(deps, wanted, log, newest, signal)) {
    try {
      const head = await signedHead(deps, log, opener, standing);
      const opened = await opener.open(head, blocks, wanted.show, (done) => onProgress(done, blocks.length, 'open'));
      const evidence: EvidenceFile = {
        ...{ domain: ledger.domain, dataset, charters, head },
        ...{ record: standing.record, round: standing.round, range },
        ...opened,
        after: await readAfter(deps, opened.blocks, signal),
        timestamp: null,
      };
      const finding = verifyEvidence(primitives, evidence, ledger.domain);
      if (!finding.holds) throw new DefectError(`The new evidence does not pass its own check: ${finding.reason}`);
      return evidence;
    } catch (cause) {
      signal?.throwIfAborted();
      if (!(cause instanceof PlumblineError) || cause.kind !== 'state') throw cause;
      problems.push(cause.shortMessage);
    }
  }
  throw new StateError(problems[0] ?? 'The chain has no head that covers these blocks. Wait until they are recorded.');
}

/** A head of the chain, and where it stands there. */
interface Standing {
  readonly event: Pick<RecordedEvent, 'size' | 'root' | 'signer'>;
  /** In a round the signature is shown with it. */
  readonly head: SignedHead | null;
  readonly record: NamedTransaction | null;
  readonly round: EvidenceRound | null;
}

/** The first heads that cover a block: what DISSC has recorded, else the first round that its anchorer's service shows. */
async function standingsOf(
  deps: EvidenceDeps,
  { dataset, fromBlock }: WantedEvidence,
  log: AnchoredHead,
  newest: number,
  signal?: AbortSignal,
): Promise<Standing[]> {
  if (newest >= log.recordedSize) {
    if (deps.rounds === undefined || log.standing === null) return [];
    const found = await findRound(deps.rounds, deps.ledger.domain, { dataset, fromBlock, newest, log }, signal);
    const place = await placeOf(deps, found.txHash, found.blockNumber, signal);
    const { head, signer, round } = found;
    return [{ event: { ...head, signer }, head, record: null, round: { ...place, ...round } }];
  }
  const recorded = log.recorded.filter(({ size }) => size > newest && size <= log.recordedSize).slice(0, MAX_HEADS);
  return Promise.all(
    recorded.map(async (event) => ({
      ...{ event, head: null, round: null },
      record: await placeOf(deps, event.txHash, event.blockNumber, signal),
    })),
  );
}

async function placeOf(
  { chainBlocks }: EvidenceDeps,
  txHash: string,
  blockNumber: number,
  signal?: AbortSignal,
): Promise<NamedTransaction> {
  const [block] = await chainBlocks.readBlocks([blockNumber], signal);
  if (block == null) throw new StateError(`The node no longer has chain block ${blockNumber}. Try again.`);
  return { ...named(block), txHash: fromHex(txHash, 'transaction', 32) };
}

function named({
  blockHash,
  blockNumber,
  timestampMs,
}: {
  blockHash: string;
  blockNumber: number;
  timestampMs: number;
}) {
  return { blockHash: fromHex(blockHash, 'block hash', 32), blockNumber, timeSeconds: timestampMs / 1000 };
}

/** The head under its writer's signature: that of the manifest whose batch ends it. @throws StateError when it is not shown */
async function signedHead(
  { ledger }: EvidenceDeps,
  log: AnchoredHead,
  opener: BlockOpener,
  { event, head: shown }: Standing,
): Promise<SignedHead> {
  if (shown !== null) return shown;
  const { size, root, signer } = event;
  const head: Head = { dataset: log.head.dataset, size, root };
  const manifest = await opener.readLastManifest(head);
  const isIts = manifest !== null && manifest.head.size === size && equalBytes(manifest.head.root, root);
  if (isIts && isSignedBy(signer, () => recoverHeadSigner(ledger.domain, head, manifest.signature))) {
    return { ...head, serial: deviceSerial(log.charters, signer) ?? manifest.serial, signature: manifest.signature };
  }
  throw new StateError(
    `The storage does not show the signature by ${signer} of the head of ${counted(size, 'block')}.`,
  );
}

function isSignedBy(signer: Address, recover: () => Address): boolean {
  try {
    return recover() === signer;
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return false;
  }
}

/** All charters that count, each with the owner's signature where anybody has it. */
async function showCharters(
  { ledger, charters: known, signCharter }: EvidenceDeps,
  { dataset, fromBlock }: WantedEvidence,
  { anchor, charters: counting }: AnchoredHead,
  signal?: AbortSignal,
): Promise<ShownCharter[]> {
  const events = await ledger.findChartered({ dataset }, fromBlock, anchor.point.blockNumber, signal);
  const signed = known.filter((charter) => isSignedBy(charter.owner, () => requireSigned(ledger, charter)));
  const history = charterHistory([...signed, ...(counting.first === null ? [] : [counting.first])], events);
  return chartersBySerial(history).map((charter): ShownCharter => {
    const event = events.find((one) => isSameCharter(one.charter, charter));
    const signature = signed.find((one) => isSameCharter(one, charter))?.signature ?? null;
    const bare = { ...charter, signature: null };
    return {
      charter: { ...charter, signature: signature ?? signCharter?.(bare) ?? null },
      chartered:
        event === undefined
          ? null
          : { txHash: fromHex(event.txHash, 'transaction', 32), blockNumber: event.blockNumber },
    };
  });
}

function requireSigned({ domain }: Ledger, charter: SignedCharter): Address {
  requireCharterSignature(domain, charter);
  return charter.owner;
}

/** The chain blocks that metas name; none where there are too many, or the node does not know one. */
async function readAfter(
  { chainBlocks }: EvidenceDeps,
  blocks: readonly EvidenceBlock[],
  signal?: AbortSignal,
): Promise<NamedChainBlock[]> {
  const hashes = new Map<string, Uint8Array>();
  for (const { meta } of blocks) {
    const after = meta === null ? undefined : decodeMeta(meta).after;
    if (after !== undefined) hashes.set(to0x(after), after);
  }
  if (hashes.size > MAX_AFTER) return [];
  const found = (await chainBlocks.readBlocks([...hashes.values()], signal)).flatMap((block) => block ?? []);
  const byNumber = new Map(
    found.filter(({ blockHash }) => hashes.has(blockHash)).map((block) => [block.blockNumber, named(block)]),
  );
  return [...byNumber.values()].sort((a, b) => a.blockNumber - b.blockNumber);
}
