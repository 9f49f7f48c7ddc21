import { resolve } from 'node:path';
import { nodeDirectories } from '../../adapters/files/node-directories.ts';
import { ArgumentError } from '../../core/errors.ts';
import { DEFAULT_DEVICE_OPTIONS } from '../../device/device-options.ts';
import { type BrokerSecrets, readBrokerSecrets } from '../../device/mqtt/read-secrets.ts';
import type { Provision } from '../../device/provision/read-provision.ts';
import { parseSource } from '../../device/sources/parse-source.ts';
import { readLines } from '../../device/sources/read-lines.ts';
import { readMqtt } from '../../device/sources/read-mqtt.ts';
import { runCommand } from '../../device/sources/run-command.ts';
import type { Source } from '../../device/sources/source.ts';
import { watchDirectory } from '../../device/sources/watch-directory.ts';

/** What the options of `plumb device run` say of its source. */
export interface SourceOptions {
  readonly source: string;
  readonly blockBytes: number;
  readonly settle: number;
  readonly deleteAfter?: 'checked';
  readonly skip: readonly string[];
  readonly take: readonly string[];
  readonly follow: readonly string[];
  readonly every: number;
  readonly times?: number;
  readonly commandTimeout: number;
  readonly maxOutput: number;
  readonly maxMessage: number;
  readonly mqttSecrets?: string;
}

/** @param keepOut files that a watched directory must not hold. @throws ArgumentError */
export async function createSource(
  options: SourceOptions,
  provision: Pick<Provision, 'dataset'>,
  keepOut: readonly string[],
): Promise<Source> {
  const choice = parseSource(options.source);
  const { blockBytes, mqttSecrets } = options;
  if (mqttSecrets !== undefined && choice.kind !== 'mqtt') {
    throw new ArgumentError(`--mqtt-secrets works only with --source mqtt:…, not with ${choice.kind}.`);
  }
  requireDirectoryOptions(options, choice.kind);
  switch (choice.kind) {
    case 'stdin':
      return readLines(process.stdin, 'stdin', blockBytes);
    case 'dir':
      return watchDirectory(nodeDirectories, resolve(choice.path), {
        ...{ blockBytes, keepOut },
        settleMs: options.settle,
        scanEveryMs: Math.min(1000, options.settle),
        deleteAfterChecked: options.deleteAfter === 'checked',
        names: { skip: options.skip, take: options.take, follow: options.follow },
      });
    case 'cmd':
      return runCommand(choice.command, {
        ...{ blockBytes, everyMs: options.every, times: options.times ?? null },
        timeoutMs: options.commandTimeout,
        maxOutputBytes: options.maxOutput,
      });
    case 'mqtt': {
      const { broker } = choice;
      const secrets: BrokerSecrets =
        mqttSecrets === undefined ? {} : await readBrokerSecrets(resolve(mqttSecrets), broker);
      return readMqtt({
        ...{ broker, secrets, blockBytes, maxMessageBytes: options.maxMessage },
        clientId: secrets.clientId ?? `plumbline-${provision.dataset.slice(2, 18)}`,
        backoff: DEFAULT_DEVICE_OPTIONS.backoff,
      });
    }
  }
}

/** What is said of files would be ignored silently. @throws ArgumentError */
function requireDirectoryOptions(options: SourceOptions, kind: string): void {
  if (kind === 'dir') return;
  const given = (['skip', 'take', 'follow'] as const).filter((name) => options[name].length > 0);
  if (options.deleteAfter !== undefined)
    throw new ArgumentError(`--delete-after works only with --source dir:…, not with ${kind}.`);
  if (given.length > 0) throw new ArgumentError(`--${given[0]} works only with --source dir:…, not with ${kind}.`);
}
