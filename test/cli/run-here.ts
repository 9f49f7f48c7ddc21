import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { runProgram } from '../../cli/run-program.ts';
import packageJson from '../../package.json' with { type: 'json' };

/** What a command sees of its process, and what it has said. */
interface Place {
  env: NodeJS.ProcessEnv;
  stdin: Readable;
  readonly said: Record<'stdout' | 'stderr', Buffer[]>;
  exitCode: number | string | null | undefined;
}

const ourProcess = process;

const places = new AsyncLocalStorage<Place>();

for (const name of ['env', 'stdin'] as const) {
  const { get, set, value } = Object.getOwnPropertyDescriptor(process, name) as PropertyDescriptor;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get: () => {
      const place = places.getStore();
      return place === undefined ? (get?.call(process) ?? value) : place[name];
    },
    set: (given: never) => {
      const place = places.getStore();
      if (place !== undefined) place[name] = given;
      else set?.call(process, given);
    },
  });
}
for (const name of ['stdout', 'stderr'] as const) {
  const stream = process[name];
  const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
  const isTTY = stream.isTTY;
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const place = places.getStore();
    if (place === undefined) return write(chunk, ...rest);
    place.said[name].push(Buffer.from(chunk as string));
    const written = rest.at(-1);
    if (typeof written === 'function') queueMicrotask(() => written());
    return true;
  };
  Object.defineProperty(stream, 'isTTY', {
    configurable: true,
    get: () => (places.getStore() === undefined ? isTTY : undefined),
  });
}
// The exit code of a process cannot be given another place, so a command gets another `process`, which differs in that alone.
const itsProcess = new Proxy(ourProcess, {
  get: (target, name) => (name === 'exitCode' ? places.getStore()?.exitCode : Reflect.get(target, name, target)),
  set: (target, name, value: never) => {
    const place = places.getStore();
    if (name !== 'exitCode' || place === undefined) return Reflect.set(target, name, value, target);
    place.exitCode = value;
    return true;
  },
});
Object.defineProperty(globalThis, 'process', {
  configurable: true,
  get: () => (places.getStore() === undefined ? ourProcess : itsProcess),
});
const { on } = ourProcess;
// Nobody sends a signal to a command that has no process.
ourProcess.on = ((name: string, listener: () => void) =>
  places.getStore() !== undefined && name.startsWith('SIG')
    ? ourProcess
    : on.call(ourProcess, name, listener)) as typeof on;

/** What a command has said, and with which code its process would have ended. */
export interface SaidHere {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the command line in this process, from its arguments to its exit code: most of what a short command takes of the
 * processor is its start. It sees environment, standard input, output and exit code of its own, however many run at a time.
 */
export async function runHere(args: readonly string[], env: NodeJS.ProcessEnv, input: string): Promise<SaidHere> {
  const place: Place = {
    env,
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input)], { objectMode: false }),
    said: { stdout: [], stderr: [] },
    exitCode: undefined,
  };
  await places.run(place, () => runProgram(packageJson.version, args));
  const { exitCode, said } = place;
  return {
    exitCode: Number(exitCode ?? 0),
    stdout: String(Buffer.concat(said.stdout)),
    stderr: String(Buffer.concat(said.stderr)),
  };
}
