import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { contentPolicy, namedOrigin } from '../../core/wire/content-policy.ts';

interface PageEvent {
  readonly rawPath: string;
  readonly rawQueryString?: string;
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

export interface PageOptions {
  /** That the console's page may ask besides its own: a node of the chain, the bucket. */
  readonly origins: readonly string[];
  /** What the console is told of this deployment (core/wire/console-file.ts), as JSON. */
  readonly place: string;
}

/**
 * Answers with the built pages of a folder, each read once: `/check` is `check.html`, `/console` leads to the first page of the folder
 * `app`, and `/console/FILE` is one of its files. Nothing else is read, whatever the path says. A console's page may ask the
 * node that its reader names in its address, too.
 */
export function pageHandler(
  folder: string,
  { origins, place }: PageOptions,
): (event: PageEvent) => Promise<PageAnswer> {
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
  for (const name of existsSync(app) ? readdirSync(app) : []) add(`/console/${name}`, join(app, name), NO_POLICY);
  const hasConsole = pages.has('/console/index.html');
  return async ({ rawPath, rawQueryString = '' }) => {
    const query = rawQueryString === '' ? '' : `?${rawQueryString}`;
    if (rawPath === '/console' && hasConsole) return toConsole(query);
    if (rawPath === '/console/place.json' && hasConsole) return { ...PLACE, body: place };
    const page = pages.get(rawPath);
    if (page === undefined) return NOT_FOUND;
    if (!rawPath.startsWith('/console/')) return page;
    const named = namedOrigin(query);
    const policy = contentPolicy([...origins, ...(named === null ? [] : [named])]);
    return { ...page, headers: { ...page.headers, 'content-security-policy': policy } };
  };
}

const HEADERS = {
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};
/** Each answer's own takes its place. */
const NO_POLICY = "default-src 'none'";

/** Not a page itself: its files are named relative to it, and the gateway takes no path that ends with a slash. */
function toConsole(query: string): PageAnswer {
  return {
    statusCode: 307,
    headers: { ...HEADERS, location: `/console/index.html${query}` },
    body: '',
    isBase64Encoded: false,
  };
}

const PLACE: Omit<PageAnswer, 'body'> = {
  statusCode: 200,
  headers: { ...HEADERS, 'content-type': 'application/json', 'content-security-policy': NO_POLICY },
  isBase64Encoded: false,
};
const NOT_FOUND: PageAnswer = {
  statusCode: 404,
  headers: { ...HEADERS, 'content-type': 'text/plain; charset=utf-8', 'content-security-policy': "default-src 'none'" },
  body: 'This page does not exist.\n',
  isBase64Encoded: false,
};
