import type { Part } from '../add-called.ts';

/** `plumb service …`. */
export const servicePart: Part = {
  description: 'maintenance of the storage service, for its operator',
  commands: {
    check: async (service) => (await import('./service-check.ts')).addServiceCheck(service),
    key: async (service) => (await import('./service-key.ts')).addServiceKey(service),
    owner: async (service) => (await import('./service-owner.ts')).addServiceOwner(service),
    rebuild: async (service) => (await import('./service-rebuild.ts')).addServiceRebuild(service),
  },
};
