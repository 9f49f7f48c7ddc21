import type { Page, Request, Route } from 'playwright-core';

/** How an answer is altered on its way. */
export type Lie = 'changed' | 'changed late' | 'cut' | 'empty' | 'a page' | 'refused' | 'cut off';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What a request asks for, without what differs from one to the next; a batch of chain questions asks for several. */
export function kindsOf(request: Request): string[] {
  const { pathname } = new URL(request.url());
  if (pathname === '/console/chain') return questionsOf(request).map(nameOf);
  if (pathname.startsWith('/console/bucket/')) return ['bucket'];
  if (pathname === '/console/place.json') return ['place'];
  if (!pathname.startsWith('/v1/')) return [];
  return [`${request.method()} ${pathname.replace(/0x[0-9a-f]+/g, '{id}').replace(/\/\d+/g, '/{n}')}`];
}

interface Question {
  readonly method: string;
  readonly params: readonly unknown[];
}

function questionsOf(request: Request): Question[] {
  const body = request.postDataJSON() as Question | Question[];
  return Array.isArray(body) ? body : [body];
}

function nameOf({ method, params }: Question): string {
  if (method !== 'eth_call') return method;
  const { data } = params[0] as { data: string };
  return `eth_call ${data.slice(0, 10)}`;
}

/** Alters every answer to questions of one kind, and no other. @returns how many it has altered */
export async function lieAbout(page: Page, kind: string, lie: Lie): Promise<() => number> {
  let told = 0;
  await page.route('**/*', async (route) => {
    const request = route.request();
    const kinds = kindsOf(request);
    if (!kinds.includes(kind)) {
      await route.continue();
      return;
    }
    told += 1;
    await answer(route, kind, lie).catch(() => undefined);
  });
  return () => told;
}

async function answer(route: Route, kind: string, lie: Lie): Promise<void> {
  if (lie === 'cut off') return route.abort('connectionreset');
  if (lie === 'a page') return route.fulfill({ status: 200, contentType: 'text/html', body: '<h1>Welcome</h1>' });
  if (lie === 'refused') {
    const body = JSON.stringify({ type: 'about:blank', title: 'No', status: 403, detail: 'No.' });
    return route.fulfill({ status: 403, contentType: 'application/problem+json', body });
  }
  const response = await route.fetch();
  const body = await response.body();
  if (lie === 'empty') return route.fulfill({ response, body: body[0] === 0x5b ? '[]' : '{}' });
  if (lie === 'cut') return route.fulfill({ response, body: body.subarray(0, Math.floor(body.length / 2)) });
  const at = lie === 'changed' ? 0.5 : 0.95;
  const isText = /json/.test(response.headers()['content-type'] ?? '');
  if (!isText) return route.fulfill({ response, body: changedBytes(body, at) });
  const read = JSON.parse(body.toString('utf8')) as Json;
  const names = kind.startsWith('eth_') ? questionsOf(route.request()).map(nameOf) : [kind];
  const isBatch = kind.startsWith('eth_') && Array.isArray(read);
  const changed = isBatch
    ? (read as Json[]).map((one, i) => (names[i] === kind ? changedJson(one, at) : one))
    : changedJson(read, at);
  return route.fulfill({ response, body: JSON.stringify(changed) });
}

function changedBytes(body: Buffer, at: number): Buffer {
  const changed = Buffer.from(body);
  const place = Math.min(changed.length - 1, Math.floor(changed.length * at));
  if (place >= 0) changed[place] = (changed[place] ?? 0) ^ 1;
  return changed;
}

/** The longest text is what proves: one of its characters is another one, or each number where there is no text. */
function changedJson(value: Json, at: number): Json {
  const texts = [...leaves(value)].filter((leaf) => typeof leaf === 'string' && leaf.length >= 8) as string[];
  const longest = texts.reduce((a, b) => (b.length > a.length ? b : a), '');
  return mapLeaves(value, (leaf) => {
    if (longest === '') return typeof leaf === 'number' ? leaf + 1 : leaf;
    return leaf === longest ? changedText(longest, at) : leaf;
  });
}

function changedText(text: string, at: number): string {
  const from = Math.floor(text.length * at);
  // What is zero stays so, or the answer is only not well-formed.
  for (let i = from; i < text.length; i++) {
    const digit = text[i] as string;
    if (!/[1-9a-f]/.test(digit)) continue;
    const other = digit === '1' ? '2' : digit === 'a' ? 'b' : String.fromCharCode(digit.charCodeAt(0) - 1);
    return text.slice(0, i) + other + text.slice(i + 1);
  }
  return `${text.slice(0, -1)}${text.endsWith('1') ? '2' : '1'}`;
}

function* leaves(value: Json): Generator<Json> {
  if (typeof value !== 'object' || value === null) yield value;
  else for (const one of Object.values(value)) yield* leaves(one);
}

function mapLeaves(value: Json, map: (leaf: Json) => Json): Json {
  if (Array.isArray(value)) return value.map((one) => mapLeaves(one, map));
  if (typeof value !== 'object' || value === null) return map(value);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapLeaves(one, map)]));
}
