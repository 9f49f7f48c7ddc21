import type { Answering } from './answering.ts';
import type { Connection } from './connection.ts';
import { makeFileEvidence } from './make-file-evidence.ts';
import { openEngine } from './open-engine.ts';
import { readAgreements } from './read-agreements.ts';
import { readBlock } from './read-block.ts';
import { readContents, readFileOf } from './read-contents.ts';
import { readRounds } from './read-rounds.ts';
import { readStandingsOf } from './read-standings-of.ts';
import type { ReaderKeys } from './reader-keys.ts';
import { keysOfNobody, openReaderKeys } from './reader-keys.ts';
import { verifyBlocks } from './verify-blocks.ts';

/** What is loaded behind the list of datasets: keys, and all that is done with them. */
export interface Later extends Omit<Answering, 'connect' | 'overview' | 'signIn' | 'signOut'> {
  signIn(files: Parameters<typeof openReaderKeys>[0], password: string): Promise<ReaderKeys>;
  signOut(): void;
}

export function openLater(connection: Connection): Later {
  const engine = openEngine(connection);
  let keys = keysOfNobody();
  return {
    async signIn(files, password) {
      keys = await openReaderKeys(files, password, connection.ledger.domain);
      return keys;
    },
    signOut() {
      keys = keysOfNobody();
    },
    standings: ({ datasets }, _, signal) => readStandingsOf(engine, keys, datasets, signal),
    verify: (ask, tell, signal) => verifyBlocks(engine, keys, ask, tell, signal),
    block: (ask, _, signal) => readBlock(engine, keys, ask, signal),
    evidence: (ask, tell, signal) => makeFileEvidence(engine, keys, ask, tell, signal),
    contents: (ask, tell, signal) => readContents(engine, keys, ask, tell, signal),
    file: (ask, tell, signal) => readFileOf(engine, keys, ask, tell, signal),
    rounds: (_, __, signal) => readRounds(engine, keys, signal),
    agreements: (_, __, signal) => readAgreements(engine, keys, signal),
  };
}
