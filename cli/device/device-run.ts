import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { ATTACHED } from '../../core/charter/kind.ts';
import { ArgumentError } from '../../core/errors.ts';
import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES, MAX_CONTENT_BYTES } from '../../core/limits.ts';
import { createDeviceClock, type DeviceClock } from '../../device/clock.ts';
import { DEFAULT_DEVICE_OPTIONS, type DeviceOptions } from '../../device/device-options.ts';
import type { Report } from '../../device/events.ts';
import { limitMemory } from '../../device/limit-memory.ts';
import { lastCaptureTime } from '../../device/outbox/last-capture.ts';
import { type Outbox, type OutboxOwner, openOutbox } from '../../device/outbox/open-outbox.ts';
import { patiently } from '../../device/outbox/patiently.ts';
import { readWaits } from '../../device/outbox/read-waits.ts';
import { type Provision, readProvision } from '../../device/provision/read-provision.ts';
import { runDevice } from '../../device/run-device.ts';
import { SKIPPED_NAMES } from '../../device/sources/directory/choose-by-name.ts';
import { connectDevice } from '../../library/connect-device.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { parseCount } from '../parse-arguments.ts';
import { runCommand } from '../run-command.ts';
import { createSource } from './create-source.ts';
import { outboxPathOf } from './outbox-path.ts';
import { parseDuration, parseSize } from './parse-units.ts';
import { showProgress } from './show-progress.ts';
import { waitsText } from './wait-text.ts';

interface RunOptions {
  readonly source: string;
  readonly provision: string;
  readonly outbox?: string;
  readonly every: number;
  readonly record: 'relayed' | 'direct';
  readonly recordEvery: number;
  readonly batchAge?: number;
  readonly batchBlocks: number;
  readonly batchBytes: number;
  readonly blockBytes: number;
  readonly maxDisk: number;
  readonly whenFull: 'wait' | 'drop-oldest';
  readonly settle: number;
  readonly deleteAfter?: 'checked';
  readonly skip: readonly string[];
  readonly take: readonly string[];
  readonly follow: readonly string[];
  readonly times?: number;
  readonly commandTimeout: number;
  readonly maxOutput: number;
  readonly maxMessage: number;
  readonly mqttSecrets?: string;
  readonly poll: number;
  readonly untilIdle?: boolean;
  readonly timeout?: number;
  readonly json?: boolean;
}

const MIN_DISK_BYTES = 64 * 2 ** 20;

/** Adds `plumb device run`. */
export function addDeviceRun(device: Command): void {
  const defaults = DEFAULT_DEVICE_OPTIONS;
  const command = device
    .command('run')
    .description(
      'Capture a source, seal it into batches, upload them, and follow them until they are final and checked.',
    )
    .requiredOption('--source <source>', "dir:PATH, stdin, cmd:'COMMAND' or mqtt:mqtt://HOST:1883/TOPIC")
    .option('--provision <file>', 'the device.json that the owner provisioned', 'device.json')
    .option(
      '--outbox <file>',
      'where to keep captured data until the storage has proven that it holds it (default: beside device.json)',
    )
    .option(
      '--every <duration>',
      'how often to run the command, or to seal what a directory or stream has brought',
      parseDuration,
      10_000,
    )
    .addOption(
      new Option('--record <how>', 'relayed: the service records; direct: this device records, and pays')
        .choices(['relayed', 'direct'])
        .default('relayed'),
    )
    .option(
      '--record-every <duration>',
      'least time between two transactions of --record direct',
      parseDuration,
      defaults.recordEveryMs,
    )
    .option(
      '--batch-age <duration>',
      'seal when the oldest block is this old (default: --every; 10s for a command)',
      parseDuration,
    )
    .option(
      '--batch-blocks <count>',
      `seal at this many blocks, at most ${MAX_BATCH_BLOCKS}`,
      parseCount,
      defaults.batch.maxBlocks,
    )
    .option('--batch-bytes <size>', 'seal at this many bytes, at most 32MiB', parseSize, defaults.batch.maxBytes)
    .option(
      '--block-bytes <size>',
      `cut files, lines and outputs into blocks of this size, at most ${MAX_CONTENT_BYTES}B`,
      parseSize,
      MAX_CONTENT_BYTES,
    )
    .option(
      '--max-disk <size>',
      'most bytes that the outbox may take, at least 64MiB',
      parseSize,
      defaults.capture.maxDiskBytes,
    )
    .addOption(
      new Option(
        '--when-full <policy>',
        'when --max-disk is reached: make the source wait, or drop the oldest unsealed blocks and note the gap',
      )
        .choices(['wait', 'drop-oldest'])
        .default('wait'),
    )
    .option(
      '--settle <duration>',
      'treat a file as complete once it has not changed for this long',
      parseDuration,
      2000,
    )
    .addOption(
      new Option(
        '--delete-after <state>',
        'remove a file once the storage has proven that it holds every block of it',
      ).choices(['checked']),
    )
    .addOption(
      new Option(
        '--follow [pattern]',
        'capture files line by line as they grow, through truncation and rotation; repeatable (without a pattern: all files)',
      )
        .preset('**')
        .argParser(collect)
        .default([], 'none'),
    )
    .addOption(
      new Option('--skip <pattern>', 'also ignore files or folders with such names; repeatable')
        .argParser(collect)
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--take <pattern>',
        `capture such names even though they are skipped by default: ${SKIPPED_NAMES.join(' ')}; repeatable`,
      )
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--times <count>', 'stop after running the command this often', parseCount)
    .option(
      '--command-timeout <duration>',
      'stop a command that runs longer, and discard its output',
      parseDuration,
      60_000,
    )
    .option('--max-output <size>', 'stop a command that prints more, and discard its output', parseSize, 16 * 2 ** 20)
    .option('--max-message <size>', 'tell the MQTT broker not to send larger messages', parseSize, 16 * 2 ** 20)
    .option('--mqtt-secrets <file>', 'user, password and TLS files for the MQTT broker (JSON, mode 0600)')
    .option(
      '--poll <duration>',
      'how often to read everything from the chain, even if the service reports nothing new',
      parseDuration,
      defaults.followEveryMs,
    )
    .option(
      '--until-idle',
      'exit when the source has ended (a directory: when everything in it is captured) and everything is final and checked',
    )
    .option('--timeout <duration>', 'exit with code 3 if that takes longer', parseDuration)
    .addHelpText('after', EXAMPLES);
  withJson(command).action((options: RunOptions) =>
    runCommand(options, async ({ output, signal }) => {
      limitMemory();
      const provisionPath = resolve(options.provision);
      const timeout = options.timeout === undefined ? null : AbortSignal.timeout(options.timeout);
      const ended = timeout === null ? signal : AbortSignal.any([signal, timeout]);
      const live = process.stderr.isTTY === true && process.stdout.isTTY === true && !output.json;
      const report = showProgress(output, live);
      const gaveUp = () => (timeout?.aborted === true ? EXIT.unavailable : EXIT.interrupted);
      const provision = await readPatiently(provisionPath, report, ended);
      if (provision === null) return gaveUp();
      requireWritable(provision);
      const outboxPath = resolve(options.outbox ?? outboxPathOf(provisionPath));
      const deviceOptions = toDeviceOptions(options);
      const source = await createSource(options, provision, [provisionPath, outboxPath]);
      const owner = { ...provision, kind: provision.charter.kind };
      const opened = await openPatiently(outboxPath, owner, report, ended);
      if (opened === null) return gaveUp();
      const { outbox, clock } = opened;
      try {
        const connected = { ...connectDevice(provision, outbox, options.record, report), clock };
        const complete = await runDevice({ ...connected, outbox, source, report }, deviceOptions, ended);
        const failure = signal.aborted ? null : (source.failure?.() ?? null);
        // Where anything was ever captured, a source that gives nothing now may be a way to finish what is under way.
        if (failure !== null && lastCaptureTime(outbox) === null) throw failure;
        if (timeout?.aborted === true && !complete) {
          sayWhatWaits(output, outbox);
          return EXIT.unavailable;
        }
        return signal.aborted && options.untilIdle === true && !complete ? EXIT.interrupted : EXIT.ok;
      } finally {
        outbox.close();
      }
    }),
  );
}

/** What the time did not suffice for; on standard error, as standard output has events. */
function sayWhatWaits(output: Output, outbox: Outbox): void {
  const nowMs = Date.now();
  for (const line of waitsText(readWaits(outbox, nowMs), nowMs)) output.notice(line);
}

/** Null when that was ended before the disk allowed it. */
async function openPatiently(
  path: string,
  owner: OutboxOwner,
  report: Report,
  ended: AbortSignal,
): Promise<{ readonly outbox: Outbox; readonly clock: DeviceClock } | null> {
  const open = () => {
    const outbox = openOutbox(path, owner);
    try {
      return { outbox, clock: createDeviceClock(nodeRuntime, lastCaptureTime(outbox)) };
    } catch (cause) {
      outbox.close();
      throw cause;
    }
  };
  return unlessEnded(patiently({ runtime: nodeRuntime, report }, open, ended), ended);
}

/** Null when that was ended before the disk allowed it. */
function readPatiently(path: string, report: Report, ended: AbortSignal): Promise<Provision | null> {
  const read = patiently({ runtime: nodeRuntime, report }, () => readProvision(path), ended, 'provision');
  return unlessEnded(read, ended);
}

async function unlessEnded<T>(work: Promise<T>, ended: AbortSignal): Promise<T | null> {
  try {
    return await work;
  } catch (cause) {
    if (ended.aborted) return null;
    throw cause;
  }
}

/** @throws ArgumentError for a dataset whose bytes another program keeps */
function requireWritable({ dataset, charter }: Provision): void {
  if (charter.kind !== ATTACHED) return;
  throw new ArgumentError(
    `Dataset ${dataset} is attached (kind 2): another program stores its bytes, so no device can run for it.`,
  );
}

function toDeviceOptions(options: RunOptions): DeviceOptions {
  requireAtMost('--batch-blocks', options.batchBlocks, MAX_BATCH_BLOCKS);
  requireAtMost('--batch-bytes', options.batchBytes, MAX_BATCH_BYTES);
  requireAtMost('--block-bytes', options.blockBytes, MAX_CONTENT_BYTES);
  if (options.maxDisk < MIN_DISK_BYTES) {
    throw new ArgumentError(`--max-disk is ${options.maxDisk} bytes; at least 64MiB are needed.`);
  }
  const ofCommand = options.source.startsWith('cmd:');
  const { batch, capture } = DEFAULT_DEVICE_OPTIONS;
  return {
    ...DEFAULT_DEVICE_OPTIONS,
    batch: {
      maxBlocks: options.batchBlocks,
      maxBytes: options.batchBytes,
      maxAgeMs: options.batchAge ?? (ofCommand ? batch.maxAgeMs : options.every),
    },
    capture: { ...capture, maxDiskBytes: options.maxDisk, whenFull: options.whenFull },
    followEveryMs: options.poll,
    recordEveryMs: options.recordEvery,
    untilIdle: options.untilIdle === true,
  };
}

function collect(pattern: string, before: readonly string[]): readonly string[] {
  if (pattern === '') throw new InvalidArgumentError("The pattern is empty. Give one such as '*.log'.");
  return [...before, pattern];
}

function requireAtMost(option: string, value: number, most: number): void {
  if (value > most) throw new ArgumentError(`${option} is ${value}; at most ${most} is allowed.`);
}

const EXAMPLES = `
--every sets how often a command runs. For a directory or a stream it sets the age at which captured data is sealed into a
batch and uploaded, full or not. A restored file has its own name, a message its topic's name; lines, and the output of
commands, are restored as one stream.

If the directory does not exist yet, the device waits for it. Whatever it does not capture (skipped names, links, files that it
cannot read, files that never stop changing) it reports once and lists in plumb device status. In a pattern, * matches any
characters but a slash, ** any characters, ? one character; a pattern without a slash is compared with the name alone. --skip
beats --take. --delete-after compares a file with what was recorded before it removes the file, and never removes followed files.

If the dataset was created with --published, this device's account pays for its digests on the chain, even if the service records.

Examples:
  plumb device run --source dir:/var/readings --every 10s
  sensor | plumb device run --source stdin --provision device.json
  plumb device run --source dir:/var/log/plant --follow '*.log' --skip '*.gz' --take '*.temp'
  plumb device run --source cmd:'cat /proc/loadavg' --every 10s --record direct
  plumb device run --source dir:./readings --until-idle --timeout 5m --json
  plumb device run --source 'mqtt:mqtts://broker.example/plant/+/temperature' --mqtt-secrets mqtt.json

You may kill it at any time and start it again. After a crash, the program that writes a stream should continue after
captured.streamBytes of plumb device status.`;
