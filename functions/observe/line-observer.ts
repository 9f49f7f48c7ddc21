import type { LogFields, Observer } from './observer.ts';

/** Says everything as one JSON object a line: for hosts that are not Lambda. Counters are lines too. */
export function createLineObserver(write: (line: Readonly<Record<string, unknown>>) => void): Observer {
  const say =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      write({
        level,
        message,
        ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)])),
      });
  return {
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    count: (metric, value = 1) => write({ level: 'metric', metric, value }),
    middleware: [],
  };
}

function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { name, message, stack, ...(cause === undefined ? {} : { cause: plain(cause) }) };
}
