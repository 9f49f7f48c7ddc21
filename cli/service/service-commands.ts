import type { Part } from '../add-called.ts';

/** `plumb service …`. */
export const servicePart: Part = {
  description: "the storage service's own upkeep, for its operator",
  commands: {
    rebuild: async (service) => (await import('./service-rebuild.ts')).addServiceRebuild(service),
  },
};
