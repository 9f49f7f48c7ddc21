import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpAnswer } from '../../functions/answer/problem.ts';
import { findBuilt } from './built-file.ts';
import { refusal } from './host-answer.ts';

/** Where the page that checks evidence is served. */
export const CHECK_PATH = '/check';
/** As `npm ci`, `npm run dev` and `npm pack` leave it. */
const BUILT = join('build', 'console', 'check.html');

/** The check page, which asks nobody and needs no account; or what to do where it was not built. */
export function readCheckPage(): HttpAnswer {
  const path = findBuilt(BUILT);
  if (path === null) {
    return refusal('/problems/not-found', 'The check page has not been built. Run: npm run build:check');
  }
  return {
    statusCode: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      // Beside the policy in the page itself, which cannot say this.
      'content-security-policy': "frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
    },
    body: readFileSync(path, 'utf8'),
    isBase64Encoded: false,
  };
}
