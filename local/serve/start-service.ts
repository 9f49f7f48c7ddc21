import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_ROUND_LIMIT_MS, keepRoundsMsOf } from '../../core/rounds/cadence.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { type ConsoleSite, openConsoleSite } from '../console/console-site.ts';
import { type RunningHost, startHost } from '../host/start-host.ts';
import { makeEvent } from '../s3/s3-event.ts';
import { openPorts, type ServePorts } from './open-ports.ts';
import { isHealthy, type Probed, probeParts, readBalanceWei } from './probe-parts.ts';
import type { ServeSettings } from './serve-settings.ts';
import { type PutWatch, watchPuts } from './watch-puts.ts';

export interface ServeOptions {
  readonly settings: ServeSettings;
  /** Where every line of the log goes; no secret is in any. */
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
  readonly limits?: Partial<ServeLimits>;
}

export interface ServeLimits {
  /** Between two looks at the parts at the start, while one does not answer. */
  readonly waitMs: number;
  readonly probeEveryMs: number;
  readonly healthEveryMs: number;
  readonly anchorEveryMs: number;
  readonly closeTimeoutMs: number;
}

export interface RunningService {
  readonly apiUrl: string;
  /** The account that records. */
  readonly account: string;
  /** What the parts said last. */
  readonly health: () => Probed;
  /** Ends it: what is under way is finished, or given up after its time; it goes on there at the next start. */
  stop(): Promise<void>;
}

const LIMITS: ServeLimits = {
  waitMs: 5_000,
  probeEveryMs: 15_000,
  healthEveryMs: 60_000,
  anchorEveryMs: 60_000,
  closeTimeoutMs: 20_000,
};
const PROBE_TIMEOUT_MS = 12_000;
const MIB = 2 ** 20;

/**
 * Runs the service on this machine: every function of the table with its schedule, on the chain, bucket, table and key of the
 * settings. Parts that do not answer yet are waited for. All that it knows is in bucket, table and chain: it may be ended at any
 * instant.
 * @throws StateError, KeyError, FileError about the settings; the signal's reason when it was aborted before it was ready
 */
export async function startService(
  { settings, log, limits: given }: ServeOptions,
  signal?: AbortSignal,
): Promise<RunningService> {
  const limits = { ...LIMITS, ...given };
  const observer = createLineObserver((line) => log({ time: new Date().toISOString(), ...line }));
  const parts: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (let end = parts.pop(); end !== undefined; end = parts.pop()) await end();
  };
  try {
    const opened = await untilOpen(settings, observer, limits.waitMs, signal);
    parts.push(() => opened.close());
    if (opened.tableIsNew) {
      observer.warn('the table did not exist and was created. If the old one was lost, run plumb service rebuild', {
        table: settings.table.name,
      });
    }
    let probed = await untilAllAnswer(opened, settings, observer, limits.waitMs, signal);
    await warnOfBalance(opened, observer, signal);

    let host: RunningHost | null = null;
    const watch = watchPuts({
      objects: opened.ports.objects,
      observer,
      onStored: async (key, sizeBytes) => host?.deliverS3Event(eventOf(settings, key, sizeBytes)),
    });
    parts.push(() => watch.close());
    const started = await startHost({
      ports: { ...opened.ports, objects: { ...opened.ports.objects, presignPut: watchedPut(opened, watch) } },
      ...settings.listen,
      moreAuthorities: settings.authorities,
      isHealthy: () => isHealthy(probed),
      fromBlock: settings.contracts.fromBlock,
      lambda: null,
      site: siteOf(settings, opened),
      recordEveryMs: settings.recordEveryMs,
      roundEveryMs: settings.roundEveryMs,
      keepRoundsMs: keepRoundsMsOf(settings.keepRoundsDays),
      grants: settings.grants,
      anchorEveryMs: limits.anchorEveryMs,
      closeTimeoutMs: limits.closeTimeoutMs,
    });
    host = started;
    parts.push(() => started.close());
    started.wakeReconciliation();

    const look = every(limits.probeEveryMs, async () => {
      probed = await probeParts(opened, settings, AbortSignal.timeout(PROBE_TIMEOUT_MS));
      if (!isHealthy(probed)) observer.error('a part does not answer', { ...probed });
    });
    const say = every(limits.healthEveryMs, async () => {
      const { rss, heapUsed } = process.memoryUsage();
      log({
        ...{ time: new Date().toISOString(), level: 'health', ok: isHealthy(probed), ...probed },
        ...{ awaited: watch.watched, toForget: opened.toForget?.() ?? 0 },
        ...{ rssMib: Math.round(rss / MIB), heapMib: Math.round(heapUsed / MIB) },
      });
    });
    parts.push(
      () => look(),
      () => say(),
    );
    return { apiUrl: started.apiUrl, account: opened.signer.account, health: () => probed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type ObserverOfLines = ReturnType<typeof createLineObserver>;

async function untilOpen(
  settings: ServeSettings,
  observer: ObserverOfLines,
  waitMs: number,
  signal?: AbortSignal,
): Promise<ServePorts> {
  for (;;) {
    try {
      return await openPorts(settings, observer, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if ((error as { kind?: string }).kind !== 'unavailable') throw error;
      observer.warn('waiting', { for: error instanceof Error ? error.message : String(error) });
      await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
    }
  }
}

async function untilAllAnswer(
  opened: ServePorts,
  settings: ServeSettings,
  observer: ObserverOfLines,
  waitMs: number,
  signal?: AbortSignal,
): Promise<Probed> {
  for (;;) {
    const probed = await probeParts(opened, settings, signal);
    signal?.throwIfAborted();
    if (isHealthy(probed)) return probed;
    observer.warn('waiting', { ...probed });
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** Without ether nothing is recorded, though everything is stored. */
async function warnOfBalance({ rpc, signer }: ServePorts, observer: ObserverOfLines, signal?: AbortSignal) {
  if ((await readBalanceWei(rpc, signer.account, signal)) > 0n) return;
  observer.error('the account that records has no ether, so nothing is recorded. Send it some', {
    account: signer.account,
  });
}

function siteOf({ chain, contracts }: ServeSettings, { ports, signer }: ServePorts): ConsoleSite {
  const { chainId, finalDepth = null, rpcUrl } = chain;
  const { dissc, ocasc, asc, fromBlock } = contracts;
  const place = {
    ...{ chainId, finalDepth, dissc, ocasc, asc, fromBlock, anchorer: signer.account },
    ...{ isOneOperator: false, roundLimitMs: DEFAULT_ROUND_LIMIT_MS },
  };
  return openConsoleSite({ place, rpcUrl, objects: ports.objects });
}

/** Each address that is given to a device is one more key to look for. */
function watchedPut({ ports: { objects } }: ServePorts, watch: PutWatch): ServePorts['ports']['objects']['presignPut'] {
  return async (object, expiresSeconds) => {
    const put = await objects.presignPut(object, expiresSeconds);
    watch.watch(object.key, put.expiresAtMs);
    return put;
  };
}

function eventOf({ objects: { bucket }, region }: ServeSettings, key: string, sizeBytes: number) {
  return makeEvent({
    ...{ eventName: 'ObjectCreated:Put', region, bucket, key, atMs: Date.now() },
    ...{ requestId: randomUUID(), accessKey: 'plumbline', stored: { sizeBytes, etag: '' } },
    sequencer: Date.now().toString(16).padStart(16, '0'),
  });
}

/** Runs again and again, never twice at once. Ended, it waits for the run under way. */
function every(ms: number, run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  const timer = setInterval(() => {
    running ??= run()
      .catch(() => undefined)
      .finally(() => {
        running = null;
      });
  }, ms);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}
