import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { gatewayEventFromRequest } from '../../../adapters/http-signature/gateway-event.ts';
import type { SignedRequest } from '../../../adapters/http-signature/sign-request.ts';
import type { TransportResponse } from '../../../adapters/service/transport.ts';
import { problemAnswer, problemOf } from '../../../functions/answer/problem.ts';
import { portsOf, type ServicePorts, type WakeReason } from '../../../functions/ports.ts';
import type { FunctionRow } from '../../../functions/row.ts';
import { eventRows, type FunctionName, functionRows } from '../../../functions/table.ts';
import { loadHandler } from '../../../local/host/invoke-function.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';

/** The service's functions at work. */
export interface SimulatedService {
  answer(name: string, request: SignedRequest): Promise<TransportResponse>;
  /** An object was stored: its event sets out. */
  noteStored(key: string): void;
  /** Forgets all that the functions hold in memory, as new machines do. */
  restart(): void;
}

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

const REDELIVER_MS = 30_000;
const MAKERS = new Map<string, (ports: never) => Handler>();

/** Loads what runs the functions: once for all runs. */
export async function loadFunctions(): Promise<void> {
  for (const row of functionRows)
    MAKERS.set(row.name, (await loadHandler(row)) as unknown as (ports: never) => Handler);
}

/** The real functions, each on the ports that its row lets it touch, under virtual time: routes, queues and schedules. */
export function runService(
  given: Omit<ServicePorts, 'anchorQueue' | 'primitives' | 'runtime'>,
  { time, faults, random }: { readonly time: VirtualTime; readonly faults: FaultWatch; readonly random: SeededRandom },
): SimulatedService {
  const runtime = time.runtimeOf({ random: random.fork('runtime').next });
  const bytes = random.fork('bytes');
  const wakers = new Map<string, (reason: WakeReason) => void>();
  const ports: ServicePorts = {
    ...given,
    primitives: { ...nodePrimitives, randomBytes: (size) => bytes.bytes(size) },
    runtime,
    anchorQueue: { wake: async (reason) => wakers.get('anchor')?.(reason) },
  };
  let handlers = new Map<string, Handler>();
  const handlerOf = (row: FunctionRow & { readonly name: string }): Handler => {
    const known = handlers.get(row.name);
    if (known !== undefined) return known;
    const make = MAKERS.get(row.name);
    if (make === undefined) throw new Error(`Call loadFunctions first: ${row.name} is not loaded.`);
    const made = make(portsOf(row, ports) as never);
    handlers.set(row.name, made);
    return made;
  };
  const invoke = (name: FunctionName, event: unknown): Promise<unknown> => {
    const row = functionRows.find((one) => one.name === name) as (typeof functionRows)[number];
    const ended = Promise.withResolvers<unknown>();
    const timer = time.after(row.limits.timeoutMs, () =>
      ended.reject(new DOMException(`${name} took longer than ${row.limits.timeoutMs} ms.`, 'TimeoutError')),
    );
    // Without what Lambda says of the time that is left: middy would set timers of the machine by it.
    handlerOf(row)(event, {}).then(ended.resolve, ended.reject);
    return ended.promise.finally(() => timer.stop());
  };

  for (const { name, trigger } of Object.values(eventRows)) {
    if (trigger.kind === 'wake')
      wakers.set(
        name,
        startSchedule(time, trigger.everyMs, (reasons) => {
          const Records = reasons.map((reason) => ({ messageId: reason, body: JSON.stringify({ reason }) }));
          return invoke(name, { Records });
        }),
      );
  }
  const { receives } = eventRows['ingest-segment'].trigger.queue;
  const deliver = (key: string, received: number): void => {
    const body = JSON.stringify({ Records: [{ s3: { object: { key: encodeURIComponent(key) } } }] });
    const failed = (): void => {
      if (received < receives) time.after(REDELIVER_MS, () => deliver(key, received + 1));
    };
    invoke('ingest-segment', { Records: [{ messageId: `${key} ${received}`, body }] }).then((answer) => {
      if ((answer as { batchItemFailures: readonly unknown[] }).batchItemFailures.length > 0) failed();
    }, failed);
  };

  return {
    async answer(name, request) {
      const answered = (await invoke(name as FunctionName, gatewayEventFromRequest(request)).catch((error) =>
        problemAnswer(problemOf(error)),
      )) as { statusCode: number; headers: Record<string, string>; body: string; isBase64Encoded: boolean };
      const headers = Object.entries(answered.headers).map(([header, value]) => [header.toLowerCase(), value]);
      const body = Buffer.from(answered.body, answered.isBase64Encoded ? 'base64' : 'utf8');
      return { status: answered.statusCode, headers: Object.fromEntries(headers), body: new Uint8Array(body) };
    },
    noteStored(key) {
      if (faults.strikes('event-lost') !== null) return;
      const late = faults.under('event-late');
      if (late !== null) faults.count('event-late');
      time.after(random.between(200, 3000) + (late === null ? 0 : random.between(0, late.size)), () => deliver(key, 1));
      const again = faults.under('event-repeated');
      for (let time_ = 0; time_ < (again?.size ?? 0); time_++) {
        faults.count('event-repeated');
        time.after(random.between(200, 120_000), () => deliver(key, 1));
      }
    },
    restart() {
      handlers = new Map();
    },
  };
}

/** Runs every so often and when woken, one run at a time. Answers what wakes it. */
function startSchedule(
  time: VirtualTime,
  everyMs: number,
  run: (reasons: readonly string[]) => Promise<unknown>,
): (reason: string) => void {
  let isRunning = false;
  let reasons = new Set<string>();
  const next = (): void => {
    if (isRunning || reasons.size === 0) return;
    isRunning = true;
    const taken = [...reasons];
    reasons = new Set();
    run(taken)
      // The next one tries again.
      .catch(() => undefined)
      .finally(() => {
        isRunning = false;
        next();
      });
  };
  const wake = (reason: string): void => {
    reasons.add(reason);
    next();
  };
  const tick = (): void => {
    if (!isRunning) wake('time');
    time.after(everyMs, tick);
  };
  time.after(everyMs, tick);
  return wake;
}
