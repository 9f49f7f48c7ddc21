import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

interface PageEvent {
  readonly rawPath: string;
}

interface PageAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
/** Beside the policy in the page itself, which cannot say this. */
const CHECK_POLICY = "frame-ancestors 'none'";

/**
 * Answers with the built pages of a folder, each read once: `/check` is `check.html`, `/console` leads to the first page of the folder
 * `app`, and `/console/FILE` is one of its files. Nothing else is read, whatever the path says.
 * @param origins that the console's page may ask besides its own: nodes of the chain, the bucket
 */
export function pageHandler(folder: string, origins: readonly string[]): (event: PageEvent) => Promise<PageAnswer> {
  const consolePolicy = [
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; worker-src 'self'",
    `connect-src ${["'self'", ...origins].join(' ')}`,
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ].join('; ');
  const pages = new Map<string, PageAnswer>();
  const add = (path: string, file: string, policy: string): void => {
    const type = TYPES[file.split('.').at(-1) ?? ''];
    if (type === undefined) return;
    const headers = { ...HEADERS, 'content-type': type, 'content-encoding': 'gzip', 'content-security-policy': policy };
    const body = gzipSync(readFileSync(file)).toString('base64');
    pages.set(path, { statusCode: 200, headers, body, isBase64Encoded: true });
  };
  const [check, app] = [join(folder, 'check.html'), join(folder, 'app')];
  if (existsSync(check)) add('/check', check, CHECK_POLICY);
  for (const name of existsSync(app) ? readdirSync(app) : []) {
    add(`/console/${name}`, join(app, name), consolePolicy);
    if (name === 'index.html') pages.set('/console', TO_CONSOLE);
  }
  return async ({ rawPath }) => pages.get(rawPath) ?? NOT_FOUND;
}

const HEADERS = {
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};
/** Not a page itself: its files are named relative to it, and the gateway takes no path that ends with a slash. */
const TO_CONSOLE: PageAnswer = {
  statusCode: 308,
  headers: { ...HEADERS, location: '/console/index.html' },
  body: '',
  isBase64Encoded: false,
};
const NOT_FOUND: PageAnswer = {
  statusCode: 404,
  headers: { ...HEADERS, 'content-type': 'text/plain; charset=utf-8', 'content-security-policy': "default-src 'none'" },
  body: 'This page does not exist.\n',
  isBase64Encoded: false,
};
