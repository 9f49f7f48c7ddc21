import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { objectPath } from '../../local/s3/object-path.ts';
import { breakPromise, challengePromise, recordAndOffer, setUpSecondOwner } from './acts/broken-promise.ts';
import { damageAndCatch } from './acts/damage.ts';
import { catchHashesOnly } from './acts/hashes-only.ts';
import { authorise, closeHonestSale, openHonestSale } from './acts/honest-sale.ts';
import { setUpOwner } from './acts/owner-setup.ts';
import { recordMeasurements } from './acts/record.ts';
import { restoreAndCompare } from './acts/restore.ts';
import { setUpAgent, setUpConsumer, startSaleServer } from './acts/sale-setup.ts';
import { FUEL, settleBooks } from './acts/settle-books.ts';
import { verifyIntact } from './acts/verify.ts';
import { verifyWithoutHashing } from './acts/without-hashing.ts';
import { openBooks } from './books.ts';
import { type Damage, realDamage } from './damage.ts';
import { type StackProcess, startStackProcess } from './stack-process.ts';
import { StepLog } from './step-log.ts';
import { openVerifier } from './verify-here.ts';

export interface DemoOptions {
  /** Runs here and leaves everything; a temporary folder otherwise. */
  readonly keep?: string;
  /** Keeps the stack up at the end until the interrupt. */
  readonly hold: boolean;
  readonly interrupt: AbortSignal;
  readonly quiet: boolean;
  readonly damage: Damage;
  /** Told when all was played, and where the stack's console is, before the stack is held or stopped. */
  readonly played?: (log: StepLog, consoleUrl: string | null) => void;
}

const BLOCK_TIME_MS = 500;
const BUCKET = 'segments';
const PLAY_TIMEOUT_MS = 300_000;

/** Plays the whole story on a real stack, real device processes and real measurements, and says what held. */
export async function runDemo(options: DemoOptions): Promise<StepLog> {
  const log = new StepLog(options.quiet, options.interrupt);
  const folder = options.keep === undefined ? await mkdtemp(join(tmpdir(), 'plumbline-demo-')) : resolve(options.keep);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty. Give a new folder.`);
  log.act('A stack of npm packages alone: chain, object store, table and functions, on loopback');
  const started: { stack: StackProcess | null } = { stack: null };
  try {
    await log.step('starts', 'ready', async () => {
      started.stack = await startStackProcess(folder, BLOCK_TIME_MS);
      return 'ready';
    });
    if (started.stack !== null) await play(log, folder, started.stack, options.damage);
    options.played?.(log, started.stack === null ? null : `${started.stack.apiUrl}/`);
    if (options.hold && started.stack !== null) await held(options.interrupt, started.stack, options.quiet);
  } finally {
    await started.stack?.stop();
    if (options.keep === undefined) await rm(folder, { recursive: true, force: true });
  }
  return log;
}

async function play(log: StepLog, folder: string, stack: StackProcess, damage: Damage): Promise<void> {
  const { stackFile, apiUrl } = stack;
  const { owner, datasets } = await setUpOwner(log, folder, stackFile);
  const { sizes, fromMs, toMs } = await recordMeasurements(log, datasets, folder, stackFile);
  // Who deals later gets ready meanwhile.
  const parties = Promise.all([setUpConsumer(folder, owner), setUpAgent(owner), setUpSecondOwner(folder, owner)]);
  parties.catch(() => {});
  await verifyIntact(log, owner, datasets, sizes);
  await restoreAndCompare(log, owner, datasets, { fromMs, toMs }, folder);
  const stored = await storedObjects(folder, datasets.lines.dataset);
  const target = { dataset: datasets.lines, path: stored[0] as string, size: sizes.lines };
  const verify = await openVerifier(owner, AbortSignal.timeout(PLAY_TIMEOUT_MS));
  await damageAndCatch(log, verify, target, damage);
  await catchHashesOnly(log, verify, datasets.lines, stored, apiUrl);
  const [storedLoad] = await storedObjects(folder, datasets.load.dataset);
  const [consumer, agent, second] = await parties;
  const books = await openBooks(stackFile, {
    ...{ owner: owner.account, 'second owner': second.owner.account, consumer: consumer.account },
    ...{ agent: agent.agent, 'second agent': second.agent.agent },
  });
  // What takes its time on the chain is begun before it is told of.
  const authorised = authorise(owner, datasets.lines, FUEL);
  const offered = recordAndOffer(second);
  for (const begun of [authorised, offered]) begun.catch(() => {});
  await verifyWithoutHashing(log, owner, datasets, sizes, storedLoad as string, authorised);
  const servers = await Promise.all([startSaleServer(agent), startSaleServer(second.agent)]);
  try {
    const honest = await openHonestSale(log, owner, consumer, datasets.lines, authorised);
    const storedPaths = () => storedObjects(folder, second.dataset.dataset);
    const broken = await challengePromise(log, consumer, offered, storedPaths);
    await closeHonestSale(log, owner, consumer, honest, folder);
    await breakPromise(log, second, consumer, broken, servers[1]);
    await settleBooks(log, books);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** The files in which the object store keeps a dataset's segments, in log order. */
async function storedObjects(folder: string, dataset: string): Promise<string[]> {
  const one = objectPath(join(folder, 'objects'), BUCKET, `${dataset.slice(2)}/x`);
  const root = join(one, '..');
  const paths = await readdir(root, { recursive: true });
  return paths
    .filter((path) => path.endsWith('.car@data'))
    .sort()
    .map((path) => join(root, path));
}

/** Until interrupted; the stack's own end is an error. */
async function held(interrupt: AbortSignal, stack: StackProcess, quiet: boolean): Promise<void> {
  if (!quiet) process.stdout.write(`\nThe stack stays up (${stack.stackFile}). Ctrl-C stops it.\n`);
  const interrupted = new Promise<'interrupted'>((resolve) => {
    if (interrupt.aborted) resolve('interrupted');
    else interrupt.addEventListener('abort', () => resolve('interrupted'), { once: true });
  });
  const ended = await Promise.race([interrupted, stack.exited]);
  if (ended !== 'interrupted') throw new Error(`The stack ended while it was held, with ${ended}.`);
}

const HELP = `npm run demo -- [--json] [--keep DIR] [--hold]

  --json      one object: {ok, steps: [{act, step, expected, seen, ok, ms}]}
  --keep DIR  run in this new folder and leave it, with stack.json and device.json in it
  --hold      keep the stack up until Ctrl-C

Exit codes: 0 every expectation held, 1 one did not, 2 wrong arguments, 130 interrupted.`;

async function main(): Promise<number> {
  let args: { json?: boolean; keep?: string; hold?: boolean; help?: boolean };
  try {
    args = parseArgs({
      options: {
        json: { type: 'boolean' },
        keep: { type: 'string' },
        hold: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}\n`);
    return 2;
  }
  if (args.help === true) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort()).once('SIGTERM', () => interrupt.abort());
  const quiet = args.json === true;
  const begin = performance.now();
  const log = await runDemo({
    ...(args.keep === undefined ? {} : { keep: args.keep }),
    ...{
      hold: args.hold === true,
      interrupt: interrupt.signal,
      quiet,
      damage: realDamage,
      played: (played, consoleUrl) => sayEnd(played, quiet, performance.now() - begin, { ...args, consoleUrl }),
    },
  });
  return log.ok ? 0 : 1;
}

interface Ending {
  readonly keep?: string;
  readonly hold?: boolean;
  readonly consoleUrl: string | null;
}

function sayEnd(log: StepLog, quiet: boolean, ms: number, ending: Ending): void {
  if (quiet) {
    process.stdout.write(`${JSON.stringify({ ok: log.ok, steps: log.steps })}\n`);
    return;
  }
  const failed = log.steps.filter((step) => !step.ok).length;
  const verdict = log.ok
    ? `All ${log.steps.length} expectations held`
    : `${failed} of ${log.steps.length} expectations did not hold`;
  process.stdout.write(`\n${verdict}, in ${(ms / 1000).toFixed(1)} s.\n${sayConsole(ending)}\n`);
}

/** Where all of it can be looked at, now or once the stack is up again: its addresses stay. */
function sayConsole({ keep, hold, consoleUrl }: Ending): string {
  if (consoleUrl !== null && hold === true) return `Look at it: ${consoleUrl}`;
  if (consoleUrl !== null && keep !== undefined) {
    return `Look at it: ${consoleUrl} once the stack is up again: plumb local up --data ${keep}`;
  }
  return 'To look at it in the console: npm run demo -- --hold. With data of your own: plumb try PATH';
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    const interrupted = error instanceof Error && error.name === 'AbortError';
    process.stderr.write(interrupted ? 'Interrupted.\n' : `${error instanceof Error ? error.message : error}\n`);
    process.exitCode = interrupted ? 130 : 1;
  }
}
