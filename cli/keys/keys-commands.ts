import type { Part } from '../add-called.ts';

/** `plumb keys …`. */
export const keysPart: Part = {
  description: "unlock a home's keys for a time, so that commands do not ask for the password; lock them again",
  commands: {
    unlock: async (keys) => (await import('./keys-unlock.ts')).addKeysUnlock(keys),
    lock: async (keys) => (await import('./keys-lock.ts')).addKeysLock(keys),
    status: async (keys, word) => (await import('./keys-status.ts')).addKeysStatus(keys, word),
    hold: async (keys) => (await import('./keys-hold.ts')).addKeysHold(keys),
  },
};
