import type { Part } from '../add-called.ts';

/** `plumb auditor …`. */
export const auditorPart: Part = {
  description: 'checks and evidence for an auditor, who may verify a dataset but not read it',
  commands: {
    verify: async (auditor) => (await import('./auditor-verify.ts')).addAuditorVerify(auditor),
    prove: async (auditor) => (await import('./auditor-prove.ts')).addAuditorProve(auditor),
  },
};
