import type { Part, Single } from './add-called.ts';
import { auditorPart } from './auditor/auditor-commands.ts';
import { consumerPart } from './consumer/consumer-commands.ts';
import { contractsPart } from './contracts/contracts-commands.ts';
import { datasetPart } from './dataset/dataset-commands.ts';
import { devicePart } from './device/device-commands.ts';
import { fleetPart } from './fleet/fleet-commands.ts';
import { keysPart } from './keys/keys-commands.ts';
import { localPart } from './local/local-commands.ts';
import { ownerPart } from './owner/owner-commands.ts';
import { servicePart } from './service/service-commands.ts';

/** The parts of the command line, in the order in which help lists them. */
export const PARTS: Readonly<Record<string, Part>> = {
  owner: ownerPart,
  consumer: consumerPart,
  auditor: auditorPart,
  keys: keysPart,
  dataset: datasetPart,
  device: devicePart,
  fleet: fleetPart,
  contracts: contractsPart,
  local: localPart,
  service: servicePart,
};

/** Commands that stand alone, behind the parts. */
export const SINGLES: Readonly<Record<string, Single>> = {
  try: {
    description: 'the whole story on your own data in one command: record, verify, damage a copy, detect the damage',
    add: async (command) => (await import('./try/try-command.ts')).addTry(command),
  },
  verify: {
    description: 'check evidence that someone gave you, and data against it, without keys, service or account',
    add: async (command) => (await import('./evidence/verify-command.ts')).addVerify(command),
  },
  doctor: {
    description: 'check configuration, connections, versions, file modes, clock and gas, and say what to do',
    add: async (command) => (await import('./doctor/doctor.ts')).addDoctor(command),
  },
  serve: {
    description: 'run the storage service on this machine, with your own chain, bucket, table and key',
    add: async (command) => (await import('./serve/serve.ts')).addServe(command),
  },
};
