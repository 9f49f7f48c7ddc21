/**
 * How fast blocks are hashed, against `openssl speed` over the same sizes in the same run.
 *
 *     node dev/bench/hashing.ts [--json]
 *
 * Rounds of the two alternate, so that a machine whose speed drifts drifts for both; the median of the ratios is what
 * counts. Goals of specification#figures: openings >= 150 MiB/s on one core, the hashing loop of hash-blocks >= 0.8 of
 * openssl.
 */
import { spawnSync } from 'node:child_process';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { openBlock } from '../../core/block/digest.ts';

const ROUNDS = 5;
const SECONDS = 1;
const SIZES = [64 * 1024, 1024 * 1024];
const MIB = 2 ** 20;
const PIECE_BYTES = 64 * 1024;

interface Figure {
  readonly blockBytes: number;
  readonly openingsMibPerSecond: number;
  readonly hashingMibPerSecond: number;
  readonly opensslMibPerSecond: number;
  readonly hashingAgainstOpenssl: { readonly min: number; readonly median: number; readonly max: number };
}

const figures = SIZES.map(measure);
if (process.argv.includes('--json')) console.log(JSON.stringify({ figures }));
else {
  for (const figure of figures) {
    const { min, median, max } = figure.hashingAgainstOpenssl;
    console.log(`blocks of ${figure.blockBytes} bytes, one core, medians of ${ROUNDS} rounds`);
    console.log(`  openings (flat hash and chunk tree)  ${figure.openingsMibPerSecond.toFixed(0)} MiB/s   goal >= 150`);
    console.log(`  hashing loop of hash-blocks          ${figure.hashingMibPerSecond.toFixed(0)} MiB/s`);
    console.log(`  openssl speed sha256                 ${figure.opensslMibPerSecond.toFixed(0)} MiB/s`);
    console.log(
      `  hashing / openssl                    ${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})   goal >= 0.8`,
    );
  }
}

function measure(blockBytes: number): Figure {
  const block = nodePrimitives.randomBytes(blockBytes);
  const meta = new Uint8Array(16);
  const rounds = Array.from({ length: ROUNDS }, () => ({
    openings: rate(blockBytes, () => openBlock(nodePrimitives, block, meta)),
    // As in hash-blocks: bytes stream by in pieces of 64 KiB.
    hashing: rate(blockBytes, () => hashInPieces(block)),
    openssl: opensslRate(blockBytes),
  }));
  const ratios = rounds.map(({ hashing, openssl }) => hashing / openssl).sort((a, b) => a - b);
  return {
    blockBytes,
    openingsMibPerSecond: median(rounds.map(({ openings }) => openings)),
    hashingMibPerSecond: median(rounds.map(({ hashing }) => hashing)),
    opensslMibPerSecond: median(rounds.map(({ openssl }) => openssl)),
    hashingAgainstOpenssl: { min: ratios[0] as number, median: median(ratios), max: ratios.at(-1) as number },
  };
}

function hashInPieces(block: Uint8Array): Uint8Array {
  const hash = nodePrimitives.createSha256();
  for (let at = 0; at < block.length; at += PIECE_BYTES) hash.update(block.subarray(at, at + PIECE_BYTES));
  return hash.digest();
}

/** MiB a second of processor time. */
function rate(bytes: number, work: () => unknown): number {
  const begin = process.cpuUsage();
  const untilMs = performance.now() + SECONDS * 1000;
  let done = 0;
  while (performance.now() < untilMs) {
    work();
    done += bytes;
  }
  const { user, system } = process.cpuUsage(begin);
  return done / MIB / ((user + system) / 1e6);
}

/** What `openssl speed` says; it counts processor time too. */
function opensslRate(bytes: number): number {
  const args = ['speed', '-mr', '-seconds', String(SECONDS), '-bytes', String(bytes), '-evp', 'sha256'];
  const { stdout } = spawnSync('openssl', args, { encoding: 'utf8' });
  const bytesPerSecond = Number(/^\+F:\d+:[^:]*:([0-9.]+)/m.exec(stdout ?? '')?.[1]);
  if (!(bytesPerSecond > 0)) throw new Error('openssl speed gave no figure; is openssl installed?');
  return bytesPerSecond / MIB;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
