import type { Part } from '../add-called.ts';

/** `plumb dataset …`. */
export const datasetPart: Part = {
  description: "an owner's datasets",
  commands: {
    create: async (dataset) => (await import('./dataset-create.ts')).addDatasetCreate(dataset),
    record: async (dataset) => (await import('./dataset-record.ts')).addDatasetRecord(dataset),
    anchor: async (dataset) => (await import('./dataset-anchor.ts')).addDatasetAnchor(dataset),
    list: async (dataset) => (await import('./dataset-list.ts')).addDatasetList(dataset),
  },
};
