import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeDirectories } from '../../adapters/files/node-directories.ts';
import { nodeTransfer } from '../../adapters/http/node-transfer.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createDeviceClock } from '../../device/clock.ts';
import { openOutbox } from '../../device/outbox/open-outbox.ts';
import { runDevice } from '../../device/run-device.ts';
import { NO_NAME_RULES } from '../../device/sources/directory/choose-by-name.ts';
import { readLines } from '../../device/sources/read-lines.ts';
import { watchDirectory } from '../../device/sources/watch-directory.ts';
import { accountOf, FAST, ownerOf, writerFromJson } from './fixture.ts';
import { remotePorts } from './remote.ts';

/** What the child is told, as JSON in PLUMB_TEST_CHILD. */
export interface ChildTask {
  readonly writer: string;
  readonly remoteUrl: string;
  readonly outboxPath: string;
  /** Null: standard input. */
  readonly directory: string | null;
  /** Of its files all, in pieces. */
  readonly follow?: boolean;
  readonly direct: boolean;
  readonly untilIdle: boolean;
}

const BLOCK_BYTES = 700;

// Without a task only the modules are loaded, and with that compiled and cached.
if (process.env.PLUMB_TEST_CHILD === undefined) process.exit(0);

// A device in a process of its own, to be killed. Events go to standard output, one JSON line each.
const task = JSON.parse(process.env.PLUMB_TEST_CHILD) as ChildTask;
const writer = writerFromJson(task.writer);
const account = accountOf(writer);
const { service, ledger, recorder } = remotePorts(task.remoteUrl, writer.domain, account);
const outbox = openOutbox(task.outboxPath, ownerOf(writer));
const source =
  task.directory === null
    ? readLines(process.stdin, 'stdin', BLOCK_BYTES)
    : watchDirectory(nodeDirectories, task.directory, {
        ...{ blockBytes: BLOCK_BYTES, scanEveryMs: 15, settleMs: 30, deleteAfterChecked: false, keepOut: [] },
        names: { ...NO_NAME_RULES, follow: task.follow === true ? ['**'] : [] },
      });
const stop = new AbortController();
process.on('SIGINT', () => stop.abort());
const complete = await runDevice(
  {
    ...{
      primitives: nodePrimitives,
      runtime: nodeRuntime,
      transfer: nodeTransfer,
      outbox,
      writer,
      account,
      charter: writer.charter,
      source,
      service,
      ledger,
    },
    clock: createDeviceClock(nodeRuntime),
    ...(task.direct ? { recorder } : {}),
    report: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
  },
  { ...FAST, backoff: { firstMs: 5, mostMs: 20 }, untilIdle: task.untilIdle },
  stop.signal,
);
outbox.close();
process.exit(complete ? 0 : 3);
