import { RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { Answers, BatchRecords, Fault, HashedBlock, ProvenChunk, Records } from '../../core/ports/css.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { changeBit } from './audit-storage.ts';
import { HonestStorage } from './honest-storage.ts';

/** Storage that mixes honest answers with every kind of nonsense, by a number that decides. */
export class ErraticStorage extends HonestStorage {
  #state: number;

  constructor(primitives: Primitives, batches: ConstructorParameters<typeof HonestStorage>[1], seed: number) {
    super(primitives, batches);
    this.#state = (seed | 1) >>> 0;
  }

  override async hashBlocks(...ask: Parameters<HonestStorage['hashBlocks']>): Promise<Answers<HashedBlock>> {
    return this.#distort(await super.hashBlocks(...ask), ask[1]);
  }

  override async proveChunks(...ask: Parameters<HonestStorage['proveChunks']>): Promise<Answers<ProvenChunk>> {
    return this.#distort(
      await super.proveChunks(...ask),
      ask[1].map(({ index }) => index),
    );
  }

  override async getRecords(...ask: Parameters<HonestStorage['getRecords']>): Promise<Records> {
    const records = await super.getRecords(...ask);
    const chance = this.#next(12);
    if (chance === 0) throw new StoreUnavailableError('Down.');
    const faults =
      this.#next(3) === 0 ? [...records.faults, ...this.#faults(ask[1]), ...this.#faults([3, 4, 400])] : records.faults;
    if (chance > 6) return { ...records, faults };
    const batches = records.batches.flatMap((batch): BatchRecords[] => {
      switch (this.#next(8)) {
        case 0:
          return [];
        case 1:
          return [batch, batch];
        case 2:
          return [{ ...batch, records: [...batch.records, ...batch.records] }];
        case 3:
          return [{ ...batch, salt: changeBit(batch.salt) as typeof batch.salt }];
        case 4:
          return [{ ...batch, records: batch.records.map((record) => ({ ...record, index: this.#next(12) })) }];
        case 5:
          return [{ ...batch, serial: this.#next(5) }];
        default:
          return [batch];
      }
    });
    return { batches, proof: this.#next(9) === 0 ? records.proof.slice(1) : records.proof, faults };
  }

  #distort<T extends { index: number }>(honest: Answers<T>, asked: readonly number[]): Answers<T> {
    if (this.#next(12) === 0) throw new RequestRefusedError('No.', { type: '/problems/x', status: 400 });
    const remaining = this.#next(4) === 0 ? asked.filter(() => this.#next(2) === 0) : honest.remaining;
    const answers = honest.answers.flatMap((answer): (T | Fault)[] => {
      switch (this.#next(8)) {
        case 0:
          return [];
        case 1:
          return [answer, answer];
        case 2:
          return this.#faults([answer.index]);
        case 3:
          return [{ ...answer, index: this.#next(12) }];
        default:
          return [answer];
      }
    });
    return { answers, remaining };
  }

  #faults(indices: readonly number[]): Fault[] {
    const kinds = ['unavailable', 'refused', 'unrecorded'] as const;
    return indices
      .filter(() => this.#next(2) === 0)
      .map((index) => ({ index, kind: kinds[this.#next(3)] ?? 'refused', reason: 'Erratic.' }));
  }

  /** xorshift32: the same seed, the same nonsense. */
  #next(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
}
