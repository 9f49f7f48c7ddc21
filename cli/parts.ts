import type { Part, Single } from './add-called.ts';
import { auditorPart } from './auditor/auditor-commands.ts';
import { consumerPart } from './consumer/consumer-commands.ts';
import { contractsPart } from './contracts/contracts-commands.ts';
import { datasetPart } from './dataset/dataset-commands.ts';
import { devicePart } from './device/device-commands.ts';
import { fleetPart } from './fleet/fleet-commands.ts';
import { localPart } from './local/local-commands.ts';
import { ownerPart } from './owner/owner-commands.ts';
import { servicePart } from './service/service-commands.ts';

/** The parts of the command line, in the order in which help lists them. */
export const PARTS: Readonly<Record<string, Part>> = {
  owner: ownerPart,
  consumer: consumerPart,
  auditor: auditorPart,
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
    description: 'all of it on data of your own, in one command: record, verify, damage a copy and see that it is seen',
    add: async (command) => (await import('./try/try-command.ts')).addTry(command),
  },
  verify: {
    description: 'check evidence that you were given, and data against it: no keys, no service, no account',
    add: async (command) => (await import('./evidence/verify-command.ts')).addVerify(command),
  },
  doctor: {
    description: 'what is configured, reachable, out of date, readable by others or short of gas, and what to do',
    add: async (command) => (await import('./doctor/doctor.ts')).addDoctor(command),
  },
  serve: {
    description: 'the storage service on this machine, on chain, bucket, table and key of your own',
    add: async (command) => (await import('./serve/serve.ts')).addServe(command),
  },
};
