import type { Part } from '../add-called.ts';

/** `plumb device …`; `provision` and `replace` are the owner's, the others are the device's own. */
export const devicePart: Part = {
  description: 'run a device, which captures, seals, uploads and follows what is recorded',
  commands: {
    run: async (device) => (await import('./device-run.ts')).addDeviceRun(device),
    status: async (device) => (await import('./device-status.ts')).addDeviceStatus(device),
    salvage: async (device) => (await import('./device-salvage.ts')).addDeviceSalvage(device),
    provision: async (device) => (await import('./device-provision.ts')).addDeviceProvision(device),
    replace: async (device) => (await import('./device-replace.ts')).addDeviceReplace(device),
  },
};
