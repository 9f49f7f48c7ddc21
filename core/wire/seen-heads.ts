import * as z from 'zod';
import { fromHex, to0x } from '../bytes.ts';
import { address, bytes32, type DatasetId, type LogRoot, type RoundRoot } from '../ids.ts';
import type { SeenAnchorer, SeenHeads, SeenRound } from '../ports/head-memory.ts';
import { wireRound } from './requests.ts';

const hash0x = z.string().regex(/^0x[0-9a-f]{64}$/);
const address0x = z.string().regex(/^0x[0-9a-f]{40}$/);
const count = z.int().min(0);

const seenHeads = z.strictObject({
  round: z
    .strictObject({
      anchorer: address0x,
      root: hash0x,
      shown: wireRound.omit({ head: true, end: true }).extend({ head: wireRound.shape.head.unwrap() }),
      peaks: z.array(hash0x).max(48),
      signer: address0x,
      blockNumber: count,
    })
    .nullable(),
  recorded: z.strictObject({ size: count, root: hash0x, blockNumber: count }).nullable(),
});

const seenAnchorer = z.strictObject({
  number: z.int().min(1),
  root: hash0x,
  peaks: z.array(hash0x).max(53),
  blockNumber: count,
});

/** What a verifier has seen of a dataset, as it is kept: JSON. */
export function encodeSeenHeads({ round, recorded }: SeenHeads): string {
  return JSON.stringify({
    round: round === null ? null : seenRoundToWire(round),
    recorded: recorded === null ? null : { ...recorded, root: to0x(recorded.root) },
  });
}

/** @throws a parser's error where it is not what `encodeSeenHeads` writes */
export function decodeSeenHeads(dataset: DatasetId, text: string): SeenHeads {
  const { round, recorded } = seenHeads.parse(JSON.parse(text));
  return {
    round: round === null ? null : seenRoundFromWire(dataset, round),
    recorded: recorded === null ? null : { ...recorded, root: rootOf(recorded.root) },
  };
}

function seenRoundToWire({ anchorer, root, shown, peaks, signer, blockNumber }: SeenRound) {
  const { number, timeSeconds, previous, history, path, head, txHash } = shown;
  const { size, serial, signature } = head;
  return {
    ...{ anchorer, root: to0x(root), peaks: peaks.map(to0x), signer, blockNumber },
    shown: {
      ...{ number, time: timeSeconds, previous: to0x(previous), history: to0x(history), path: path.map(to0x) },
      head: { size, root: to0x(head.root), serial, signature: to0x(signature) },
      transaction: txHash,
    },
  };
}

function seenRoundFromWire(
  dataset: DatasetId,
  { anchorer, root, shown, peaks, signer, blockNumber }: NonNullable<z.output<typeof seenHeads>['round']>,
): SeenRound {
  const { number, time, previous, history, path, head, transaction } = shown;
  return {
    ...{ anchorer: address(anchorer), root: roundOf(root), signer: address(signer), blockNumber },
    peaks: peaks.map((hash) => fromHex(hash, 'peak')),
    shown: {
      ...{ number, timeSeconds: time, previous: roundOf(previous), history: rootOf(history), end: null },
      ...{ path: path.map((hash) => fromHex(hash, 'path')), txHash: transaction },
      head: { ...head, dataset, root: rootOf(head.root), signature: fromHex(head.signature, 'head signature') },
    },
  };
}

/** The newest round of an anchorer, as it is kept: JSON. */
export function encodeSeenAnchorer({ number, root, history, blockNumber }: SeenAnchorer): string {
  return JSON.stringify({ number, root: to0x(root), peaks: history.peaks.map(to0x), blockNumber });
}

/** @throws a parser's error where it is not what `encodeSeenAnchorer` writes */
export function decodeSeenAnchorer(text: string): SeenAnchorer {
  const { number, root, peaks, blockNumber } = seenAnchorer.parse(JSON.parse(text));
  const history = { size: number - 1, peaks: peaks.map((hash) => fromHex(hash, 'peak')) };
  return { number, root: roundOf(root), history, blockNumber };
}

const rootOf = (hex: string): LogRoot => bytes32<LogRoot>(fromHex(hex, 'root'), 'root');
const roundOf = (hex: string): RoundRoot => bytes32<RoundRoot>(fromHex(hex, 'round'), 'round');
