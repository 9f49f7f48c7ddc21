import type { Part } from '../add-called.ts';

/** `plumb local …`. */
export const localPart: Part = {
  description: 'a whole stack on this machine: chain, object store, table and functions',
  commands: {
    up: async (local) => (await import('./local-up.ts')).addLocalUp(local),
    admit: async (local) => (await import('./local-admit.ts')).addLocalAdmit(local),
  },
};
