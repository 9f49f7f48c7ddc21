import type { Globals } from './room.ts';

const free = (...names: string[]): Globals => Object.fromEntries(names.map((name) => [name, 'free']));
const types = (...names: string[]): Globals => Object.fromEntries(names.map((name) => [name, 'type']));

/** What the language brings and every machine answers alike. No clock, no timer, no chance, nothing from outside. */
const LANGUAGE: Globals = {
  ...free('undefined', 'NaN', 'Infinity', 'Array', 'BigInt', 'Boolean', 'JSON', 'Map', 'Number', 'Object', 'Promise'),
  ...free('RegExp', 'Set', 'String', 'Symbol', 'WeakMap', 'WeakSet', 'ArrayBuffer', 'DataView', 'BigInt64Array'),
  ...free('BigUint64Array', 'Float64Array', 'Int32Array', 'Uint16Array', 'Uint32Array', 'Uint8Array', 'AggregateError'),
  ...free('Error', 'RangeError', 'SyntaxError', 'TypeError', 'TextDecoder', 'TextEncoder', 'URL', 'URLSearchParams'),
  ...free('atob', 'btoa', 'decodeURIComponent', 'encodeURIComponent', 'structuredClone'),
  ...types('AbortSignal', 'ArrayBufferLike', 'ArrayBufferView', 'ArrayLike', 'AsyncGenerator', 'AsyncIterable'),
  ...types('AsyncIterableIterator', 'AsyncIterator', 'Awaited', 'Capitalize', 'ConstructorParameters', 'ErrorOptions'),
  ...types('Exclude', 'Extract', 'Generator', 'InstanceType', 'Iterable', 'IterableIterator', 'Iterator', 'Lowercase'),
  ...types('NoInfer', 'NonNullable', 'Omit', 'Parameters', 'Partial', 'Pick', 'PromiseLike', 'PromiseSettledResult'),
  ...types('PromiseWithResolvers', 'PropertyKey', 'Readonly', 'ReadonlyArray', 'ReadonlyMap', 'ReadonlySet', 'Record'),
  ...types('Required', 'ReturnType', 'TemplateStringsArray', 'Uppercase'),
  Math: {
    members: [
      'abs',
      'ceil',
      'clz32',
      'expm1',
      'floor',
      'log1p',
      'log2',
      'max',
      'min',
      'pow',
      'round',
      'sign',
      'sqrt',
      'trunc',
    ],
  },
};

/** For `core/`: the language alone. */
export const PURE: Globals = LANGUAGE;

/** For what takes time, waiting and chance from the port `Runtime`: dates are made of numbers, signals of other signals. */
export const PORTED: Globals = {
  ...LANGUAGE,
  ...free('AbortController', 'Buffer'),
  ...types('NodeJS'),
  AbortSignal: { members: ['any', 'abort'] },
  Date: { members: ['UTC', 'parse'], construct: 'with arguments' },
};

/** As `PORTED`, for what ends the programs that it started. */
export const PORTED_WITH_PROGRAMS: Globals = { ...PORTED, process: { members: ['kill'] } };

/** For `adapters/`, which are the outside: all but the environment, which the one who composes reads. */
export const OUTSIDE: Globals = {
  ...PORTED,
  ...free('AbortSignal', 'Date', 'Math', 'clearTimeout', 'fetch', 'performance', 'setTimeout'),
  ...types('Headers', 'Request', 'RequestInit', 'Response'),
  crypto: { members: ['getRandomValues', 'randomUUID'] },
  process: { members: ['getuid', 'pid'] },
};

/** For `lambda/`, which composes: it reads the environment, and may say why a function was not made. */
export const COMPOSING: Globals = {
  ...PORTED,
  console: { members: ['error'] },
  process: { members: ['env'] },
};
