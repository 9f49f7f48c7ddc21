import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { printable } from '../../client/printable.ts';
import { counted } from '../../core/counted.ts';
import type { Address } from '../../core/ids.ts';
import { INTERFACE_VERSION } from '../../core/wire/interface-version.ts';
import { readProvision } from '../../device/provision/read-provision.ts';
import { type Connection, readConnection } from '../../library/connection.ts';
import { withHomeOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { bad, type Finding, look, ok } from './finding.ts';
import { lookAtContracts, lookAtGas, lookAtNodeOfChain, type Sender } from './look-at-chain.ts';
import { lookAtDevice } from './look-at-device.ts';
import {
  keystoreAccount,
  lookAtDatasets,
  lookAtKeystore,
  lookAtMode,
  lookAtModes,
  lookAtNode,
  lookForHolder,
  lookForHome,
} from './look-at-home.ts';
import { lookAtBucket, lookAtService } from './look-at-service.ts';

interface DoctorOptions {
  readonly provision: readonly string[];
  readonly json?: boolean;
}

const DEFAULT_PROVISION = 'device.json';

/** Adds `plumb doctor`. */
export function addDoctor(command: Command): void {
  command
    .option(
      '--provision <file>',
      `also check this device's file; repeatable (default: ${DEFAULT_PROVISION}, if it is here)`,
      (path: string, before: readonly string[]) => [...before, path],
      [] as readonly string[],
    )
    .addHelpText('after', EXAMPLES);
  withHomeOptions(command).action((options: DoctorOptions) =>
    runCommand(options, async (context) => {
      const findings = await examine(context, provisionsOf(options));
      const worst = findings.some(({ state }) => state === 'bad')
        ? 'bad'
        : findings.some(({ state }) => state === 'warn')
          ? 'warn'
          : 'ok';
      context.output.result({ ok: worst !== 'bad', worst, findings }, describe(context.output, findings));
      return worst === 'bad' ? EXIT.notIntact : EXIT.ok;
    }),
  );
}

function provisionsOf({ provision }: DoctorOptions): readonly string[] {
  if (provision.length > 0) return provision.map((path) => resolve(path));
  return existsSync(DEFAULT_PROVISION) ? [resolve(DEFAULT_PROVISION)] : [];
}

/** Everything that concerns this command line, side by side; nothing is changed, no password asked. */
async function examine(context: CommandContext, provisions: readonly string[]): Promise<readonly Finding[]> {
  const { home, signal } = context;
  let connection: Connection | null = null;
  const connected = await look(
    'connection',
    'Give --stack FILE, or write connection.json (README, "Another chain").',
    async () => {
      connection = await readConnection(context);
      return [
        ok(
          'connection',
          `${context.stack ?? home}: chain ${connection.chainId}, service ${new URL(connection.apiUrl).host}.`,
        ),
      ];
    },
    signal,
  );
  const looks = [
    lookAtHome(home, connectedAnchorer(connection), signal),
    look('stack file', 'Look at the file.', () => lookAtStackFile(context.stack), signal),
    ...(connection === null ? [] : lookOutside(context, connection, provisions)),
    ...provisions.map((path) =>
      look('device', 'Make it again: plumb device provision NAME', () => lookAtDevice(path, connection), signal),
    ),
  ];
  return [lookAtNode(process.versions.node), ...connected, ...(await Promise.all(looks)).flat()];
}

/** Null where the connection could not be read, or names none. */
const connectedAnchorer = (connection: Connection | null): Address | null => connection?.anchorer ?? null;

async function lookAtHome(home: string, anchorer: Address | null, signal: AbortSignal): Promise<readonly Finding[]> {
  const remedy = 'Look at the folder, or name another: --home FOLDER';
  const found = await look('home', remedy, async () => [await lookForHome(home)].filter((one) => one !== null), signal);
  if (found.length > 0) return found;
  const looks = [
    look('home modes', remedy, () => lookAtModes('home', home), signal),
    look('keys', remedy, () => lookAtKeystore(home), signal),
    look('unlocked', 'Forget what is unlocked: plumb keys lock', () => lookForHolder(home), signal),
    look('datasets', remedy, () => lookAtDatasets(home, anchorer), signal),
  ];
  return (await Promise.all(looks)).flat();
}

function lookOutside(
  { home, signal }: CommandContext,
  connection: Connection,
  provisions: readonly string[],
): Promise<readonly Finding[]>[] {
  return [
    look(
      'chain',
      'Check that the node is up, that rpcUrl is its address, and that it is on this chain.',
      (s) => lookAtNodeOfChain(connection, s),
      signal,
    ),
    look('contracts', 'See the line about the chain.', (s) => lookAtContracts(connection, s), signal),
    look(
      'gas',
      'See the line about the chain.',
      async (s) => lookAtGas(connection, await sendersOf(home, connection, provisions), s),
      signal,
    ),
    look(
      'service',
      'Check that the service is up and that apiUrl is its address.',
      (s) => lookAtService(connection, INTERFACE_VERSION, s),
      signal,
    ),
    look(
      'bucket',
      'Check that the store is up and that the credentials are right.',
      (s) => lookAtBucket(connection, s),
      signal,
    ),
  ];
}

async function lookAtStackFile(path: string | undefined): Promise<readonly Finding[]> {
  const mode = path === undefined ? null : await lookAtMode(resolve(path));
  return mode === null ? [] : [bad('stack file', mode, "It holds the stack's keys.")];
}

/** Those whose accounts are known here: the anchorer records for all, owners and devices pay for little or nothing. */
async function sendersOf(
  home: string,
  { anchorer }: Connection,
  provisions: readonly string[],
): Promise<readonly Sender[]> {
  const owner = await keystoreAccount(home);
  return [
    ...(anchorer === null ? [] : [{ who: 'service', account: anchorer, mustPay: true }]),
    ...(owner === null ? [] : [{ who: 'owner', account: owner, mustPay: false }]),
    ...provisions.flatMap((path) => {
      try {
        const { account, published } = readProvision(path);
        return [{ who: 'device', account, mustPay: published }];
      } catch {
        // It has a line of its own.
        return [];
      }
    }),
  ];
}

const COLOURS = { ok: 'green', warn: 'yellow', bad: 'red' } as const;

function describe(output: Output, findings: readonly Finding[]): string {
  const count = (state: Finding['state']): number => findings.filter((one) => one.state === state).length;
  return [
    ...findings.flatMap(({ about, state, says, remedy }) => [
      `${output.style(COLOURS[state], state.padEnd(4))}  ${about.padEnd(11)} ${printable(says)}`,
      ...(remedy === null ? [] : [`                  ${printable(remedy)}`]),
    ]),
    `${count('ok')} ok, ${counted(count('warn'), 'warning')}, ${count('bad')} bad.`,
  ].join('\n');
}

const EXAMPLES = `
Checks everything that this command line would use, in parallel, each for at most 8 seconds: Node, keys, who else can read them
and whether they are unlocked, chain, contracts, clock, service, bucket, gas, devices. It asks for no password, changes nothing and prints no secret.

Examples:
  plumb doctor
  plumb doctor --provision device.json --json        {ok, worst, findings: [{about, state, says, remedy}]}
Exit codes: 0 nothing is bad, 1 something is, 2 wrong arguments, 130 interrupted.`;
