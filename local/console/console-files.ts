import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { contentPolicy, namedOrigin } from '../../core/wire/content-policy.ts';
import type { HttpAnswer } from '../../functions/answer/problem.ts';
import { findBuilt } from '../host/built-file.ts';
import { refusal } from '../host/host-answer.ts';

/** As `npm ci`, `npm run dev` and `npm pack` leave it. */
const BUILT = join('build', 'console', 'app');
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The console's files, read once; asked for by the path behind `/console/`. */
export interface ConsoleFiles {
  /** Null where there is no such file. */
  answer(path: string, target: string): HttpAnswer | null;
}

interface SiteFile {
  readonly type: string;
  /** Compressed: every browser takes that. */
  readonly body: string;
}

/** What to do where the console was not built is what each of its pages says. */
export function readConsoleFiles(): ConsoleFiles {
  const folder = findBuilt(BUILT);
  if (folder === null) {
    return {
      answer: () => refusal('/problems/not-found', 'The console has not been built. Run: npm run build:console'),
    };
  }
  const files = new Map(
    readdirSync(folder).flatMap((name): [string, SiteFile][] => {
      const type = TYPES[name.split('.').at(-1) ?? ''];
      if (type === undefined) return [];
      return [[name, { type, body: gzipSync(readFileSync(join(folder, name))).toString('base64') }]];
    }),
  );
  return {
    answer(path, target) {
      const file = files.get(path === '' ? 'index.html' : path);
      if (file === undefined) return null;
      const named = namedOrigin(target);
      return {
        statusCode: 200,
        headers: {
          'content-type': file.type,
          'content-encoding': 'gzip',
          'cache-control': 'no-cache',
          'content-security-policy': contentPolicy(named === null ? [] : [named]),
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cross-origin-opener-policy': 'same-origin',
        },
        body: file.body,
        isBase64Encoded: true,
      };
    },
  };
}
