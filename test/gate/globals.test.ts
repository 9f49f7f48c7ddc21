import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkFiles } from './check-files.ts';

/** What core may not do, and the name that the refusal gives. */
const NOT_IN_CORE: Readonly<Record<string, string>> = {
  'export const home = process.env.HOME;': 'process.env',
  'export const now = Date.now();': 'Date.now',
  'export const now = new Date();': 'new Date()',
  'export const now = Date();': 'Date',
  'export const { now } = Date;': 'Date',
  'export const clock = Date; export const now = clock.now();': 'Date',
  'export const now = performance.now();': 'performance.now',
  'export const now = new Intl.DateTimeFormat().format();': 'Intl.DateTimeFormat',
  'setTimeout(() => {}, 10);': 'setTimeout',
  'setInterval(() => {}, 10);': 'setInterval',
  'setImmediate(() => {});': 'setImmediate',
  'queueMicrotask(() => {});': 'queueMicrotask',
  'globalThis.setTimeout(() => {}, 10);': 'globalThis.setTimeout',
  'export const g = globalThis;': 'globalThis',
  'export const x = (globalThis as { x?: number }).x;': 'globalThis',
  'export const random = Math.random();': 'Math.random',
  "export const random = Math['random']();": 'Math.random',
  'export const random = Math[`random`]();': 'Math',
  'export const { random } = Math;': 'Math',
  'export const m = Math;': 'Math',
  'export const now = (Date).now();': 'Date.now',
  'export const now = Date!.now();': 'Date',
  'export type P = (typeof process)[];': 'process',
  'export const bytes = crypto.getRandomValues(new Uint8Array(1));': 'crypto.getRandomValues',
  'export const deps = { crypto };': 'crypto',
  'export const f = (now = Date.now()) => now;': 'Date.now',
  "export const bytes = Buffer.from('x');": 'Buffer.from',
  "export const page = fetch('https://example.org');": 'fetch',
  "console.log('x');": 'console.log',
  'export const signal = AbortSignal.timeout(10);': 'AbortSignal.timeout',
  'export const agent = navigator.userAgent;': 'navigator.userAgent',
  'export const w = window;': 'window',
  'export const title = document.title;': 'document.title',
  "export const fs = require('x');": 'require',
  'export const here = __dirname;': '__dirname',
  "export const g = Function('return this')();": 'Function',
  "export const g = eval('this');": 'eval',
  "export const now = Reflect.get({}, 'now');": 'Reflect.get',
  "export const g = (() => {}).constructor('return this')();": '.constructor',
  "export const g = [].at['constructor']('return this')();": '.constructor',
  "export const { constructor: make } = () => {}; make('return this');": '.constructor',
  'declare const process: { env: object }; export const env = process.env;': 'declare',
  'declare global { const clock: () => number; }': 'declare',
  'export namespace N { export const one = 1; }': 'namespace',
  'export type Timer = ReturnType<typeof setTimeout>;': 'setTimeout',
  'export type Timer = NodeJS.Timeout;': 'NodeJS',
};

const IN_CORE: readonly string[] = [
  'export const bytes = new Uint8Array(4).map((_, i) => Math.min(i, 2));',
  'export async function f(signal?: AbortSignal): Promise<Map<string, Readonly<{ a: 1 }>>> { signal?.throwIfAborted(); return new Map(); }',
  'export const at = (nowMs: () => number) => nowMs();',
  'export function f(process: number, setTimeout: string) { return [process, setTimeout]; }',
  'export class Date { readonly console = 1; now() { return this.console; } constructor() { void 0; } }',
  'declare const brand: unique symbol; export interface Branded { readonly [brand]: true }',
  'export const o = { crypto: 1, Date: 2 }; export const d = o.Date;',
];

describe('core uses the language alone, so that the gate refuses', () => {
  for (const [text, name] of Object.entries(NOT_IN_CORE)) {
    test(text, () => {
      const { refusals } = checkFiles({ 'core/new.ts': `\n${text}` });
      const says = `core/new.ts:2 uses ${name}. core/ `;
      assert.ok(
        refusals.some((refusal) => refusal.startsWith(says)),
        refusals.join('\n') || 'It was allowed.',
      );
    });
  }
});

describe('the gate allows core', () => {
  for (const text of IN_CORE) {
    test(text, () => assert.deepEqual(checkFiles({ 'core/new.ts': text }).refusals, []));
  }
});

describe('time, waiting and chance come from the port Runtime in', () => {
  for (const room of ['device', 'client', 'functions']) {
    test(`${room}/, by the refusal's own words`, () => {
      const saysOf = (text: string) => checkFiles({ [`${room}/new.ts`]: text }).refusals.join('\n');
      assert.match(saysOf('Date.now();'), /uses Date\.now\. .*new Date\(…\) with arguments alone\. .*port Runtime/);
      assert.match(saysOf('new Date();'), /uses new Date\(\)\. /);
      assert.match(saysOf('performance.now();'), /uses performance\.now\. .*may use no performance\. .*port Runtime/);
      assert.match(saysOf('setTimeout(() => {}, 1);'), /uses setTimeout\. .*port Runtime/);
      assert.match(saysOf('AbortSignal.timeout(1);'), /uses AbortSignal\.timeout\. .*port Runtime/);
      assert.match(saysOf('Math.random();'), /uses Math\.random\. .*port Runtime/);
      assert.match(saysOf('process.env.X;'), /uses process\.env\. .*Whoever composes it/);
      assert.match(
        saysOf("import { setTimeout as s } from 'node:timers/promises';"),
        /imports node:timers\/promises.*port Runtime/,
      );
      assert.match(
        saysOf("import { performance as p } from 'node:perf_hooks';"),
        /imports node:perf_hooks.*port Runtime/,
      );
    });

    test(`${room}/, which may still make dates of numbers and signals of signals`, () => {
      const text =
        'export const f = (ms: number, s: AbortSignal) => [new Date(ms), AbortSignal.any([s]), Buffer.alloc(1)];';
      assert.deepEqual(checkFiles({ [`${room}/new.ts`]: text }).refusals, []);
    });
  }

  test('lambda/, which alone reads the environment in its part of the house', () => {
    const says = (path: string) => checkFiles({ [path]: 'export const url = process.env.RPC_URL;' }).refusals;
    assert.deepEqual(says('lambda/get-block.ts'), []);
    assert.equal(says('functions/get-block.ts').length, 1);
    assert.equal(says('adapters/secrets/new.ts').length, 1);
  });
});
