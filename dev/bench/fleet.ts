/**
 * A real fleet on the embedded stack: real devices, with outboxes, as objects of a few processes, a batch a minute each, in rounds; and
 * what they ask the chain, counted at a proxy.
 *
 *     node dev/bench/fleet.ts [--devices 1000] [--processes 2] [--minutes 10] [--settle 10] [--json]
 *
 * Ctrl-C ends every process that was started.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { StoreUnavailableError } from '../../core/errors.ts';
import { address } from '../../core/ids.ts';
import { countRpc } from './fleet/count-rpc.ts';
import type { DevicesFigure, DevicesOrder } from './fleet/run-devices.ts';
import { openOwner } from './parts/open-owner.ts';
import { startParts } from './parts/start-parts.ts';
import { describeMachine, nameMachine } from './report/describe-machine.ts';

const PROGRAM = join(import.meta.dirname, 'fleet', 'run-devices.ts');
/** Charters shown to the service at a time. */
const AT_ONCE = 20;
const ATTEMPTS = 5;

const text = (value: string) => ({ type: 'string', default: value }) as const;
const { values } = parseArgs({
  options: {
    ...{ devices: text('1000'), processes: text('2'), minutes: text('10'), settle: text('10') },
    json: { type: 'boolean', default: false },
  },
});
const whole = (name: 'devices' | 'processes' | 'minutes' | 'settle', most: number): number => {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} is ${values[name]}; give a whole number from 1 to ${most}.`);
};
const [devices, processes] = [whole('devices', 10_000), whole('processes', 64)];
const [minutes, settleMinutes] = [whole('minutes', 1_440), whole('settle', 1_440)];

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort()).once('SIGTERM', () => interrupt.abort());
const loads = [loadavg()[0] as number];
const parts = await startParts('embedded', interrupt.signal);
const proxy = await countRpc(parts.stack.rpcUrl);
try {
  const owner = await openOwner(parts);
  const provisions: string[] = [];
  while (provisions.length < devices) {
    const some = Math.min(AT_ONCE, devices - provisions.length);
    const opened = await openAgain(() => owner.open(some, address(parts.stack.operator)));
    provisions.push(...opened.map(({ provision }) => provision));
    process.stderr.write(`  … ${provisions.length} charters\n`);
  }
  const shares = Array.from({ length: processes }, (_, place) =>
    provisions.filter((_provision, number) => number % processes === place),
  );
  const figures = await Promise.all(
    shares.map((share) => runShare({ provisions: share, rpcUrl: proxy.url, minutes, settleMinutes })),
  );
  loads.push(loadavg()[0] as number);
  const sum = (name: 'devices' | 'complete' | 'batches' | 'stored' | 'checked' | 'retries') =>
    figures.reduce((all, figure) => all + figure[name], 0);
  const seconds = Math.max(...figures.map((figure) => figure.seconds));
  const rpcRequests = Object.values(proxy.byMethod).reduce((all, count) => all + count, 0);
  const figure = {
    ...{ devices: sum('devices'), processes, minutes, complete: sum('complete'), batches: sum('batches') },
    ...{ stored: sum('stored'), checked: sum('checked'), retries: sum('retries'), seconds },
    storedMs: {
      medians: figures.map(({ storedMs }) => Math.round(storedMs.median)),
      most: Math.round(Math.max(...figures.map(({ storedMs }) => storedMs.most))),
    },
    ...{ rpcRequests, rpcByMethod: proxy.byMethod, rpcPerDeviceMinute: rpcRequests / devices / (seconds / 60) },
    ...{ loads, machine: nameMachine(describeMachine()) },
  };
  if (values.json) console.log(JSON.stringify(figure));
  else {
    console.log(`${figure.devices} devices in ${processes} processes, ${minutes} minutes, load ${loads.join(' to ')}`);
    console.log(`  complete in the end            ${figure.complete}, after ${seconds.toFixed(0)} s`);
    console.log(`  batches sealed, stored, checked ${figure.batches}, ${figure.stored}, ${figure.checked}`);
    console.log(`  from sealed to stored          ${figure.storedMs.medians.join(', ')} ms in the median of a process`);
    console.log(`  RPC requests of a device       ${figure.rpcPerDeviceMinute.toFixed(2)} a minute   goal <= 1`);
    console.log(`  ${JSON.stringify(figure.rpcByMethod)}; ${figure.retries} retries`);
    console.log(`  ${figure.machine}`);
  }
} finally {
  proxy.close();
  await parts.stop();
}
process.exit();

/** A busy machine may let a connection go that is just being used. What was shown before is shown for nothing. */
async function openAgain<T>(open: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function runShare(order: DevicesOrder): Promise<DevicesFigure> {
  // Out of the terminal's process group: an interrupt is told by this process.
  const child = fork(PROGRAM, [], { detached: true, execArgv: [] });
  const end = (): void => void child.kill('SIGTERM');
  interrupt.signal.addEventListener('abort', end, { once: true });
  child.send(order);
  const said = once(child, 'message') as Promise<[DevicesFigure]>;
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`The devices ended with ${code}.`);
  });
  ended.catch(() => undefined);
  const [figure] = await Promise.race([said, ended]);
  interrupt.signal.removeEventListener('abort', end);
  return figure;
}
