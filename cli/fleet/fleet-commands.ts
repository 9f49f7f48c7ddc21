import type { Part } from '../add-called.ts';

/** `plumb fleet …`: many devices, a dataset each. */
export const fleetPart: Part = {
  description: 'many devices at once, each with its own dataset and file',
  commands: {
    provision: async (fleet) => (await import('./fleet-provision.ts')).addFleetProvision(fleet),
    status: async (fleet) => (await import('./fleet-status.ts')).addFleetStatus(fleet),
  },
};
