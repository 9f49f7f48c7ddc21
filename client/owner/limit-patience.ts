import { StoreUnavailableError } from '../../core/errors.ts';
import type { P2pfs } from '../../core/ports/p2pfs.ts';

type Asked = Pick<P2pfs, 'nameBlock' | 'readFile'>;

/** As many questions in a row without an answer in time, and the node is not asked any more. */
const MOST_IN_VAIN = 24;

/**
 * A node of which each question costs the full timeout when it hangs, or looks for something that nobody has. An audit of
 * many blocks would take hours then: after two dozen such questions in a row the rest is unavailable without asking.
 */
export function limitPatience(p2pfs: Asked): Asked {
  let inVain = 0;
  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    if (inVain >= MOST_IN_VAIN) {
      throw new StoreUnavailableError(
        `Not requested, because the IPFS node left ${MOST_IN_VAIN} questions in a row unanswered. Try another node, or try later.`,
      );
    }
    try {
      const answer = await question();
      inVain = 0;
      return answer;
    } catch (error) {
      inVain = error instanceof StoreUnavailableError ? inVain + 1 : 0;
      throw error;
    }
  };
  return {
    nameBlock: (...question) => ask(() => p2pfs.nameBlock(...question)),
    readFile: (...question) => ask(() => p2pfs.readFile(...question)),
  };
}
