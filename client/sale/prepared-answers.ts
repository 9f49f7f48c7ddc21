import type { AgreementId } from '../../core/ids.ts';
import type { OpenQuestion, QuestionAnswer } from '../../core/ports/agreements.ts';

/**
 * Answers that one server has ready and has not brought onto the chain yet: while they wait for a block, the storage is not
 * asked again, and may go away. Forgotten with the process, which asks it once more then.
 *
 * @example
 * const prepared = new PreparedAnswers();
 * const id = `0x${'11'.repeat(32)}` as const;
 * const question = { asks: 'key', block: 4, seed: 0, stakeWei: 1n, deadlineSeconds: 1_000, graceEndSeconds: null } as const;
 * console.log(prepared.find(id, question)); // null
 */
export class PreparedAnswers {
  readonly #answers = new Map<AgreementId, { readonly name: string; readonly answer: QuestionAnswer }>();

  find(id: AgreementId, question: OpenQuestion): QuestionAnswer | null {
    const kept = this.#answers.get(id);
    return kept?.name === nameOf(question) ? kept.answer : null;
  }

  keep(id: AgreementId, question: OpenQuestion, answer: QuestionAnswer): void {
    this.#answers.set(id, { name: nameOf(question), answer });
  }

  forget(id: AgreementId): void {
    this.#answers.delete(id);
  }
}

/** One question of an agreement is open at a time, and each asks for another chunk or has another deadline. */
function nameOf({ asks, block, seed, deadlineSeconds }: OpenQuestion): string {
  return `${asks} ${block} ${seed} ${deadlineSeconds}`;
}
