import type { Page, Request, Route } from 'playwright-core';

/** An answer of the right form that is not the true one. */
export const FALSE_ANSWERS = ['changed at 35 %', 'changed at 80 %', 'older', "another's"] as const;
/** What is no answer at all. */
export const NO_ANSWERS = ['cut', 'empty', 'nothing', 'endless', 'failed', 'refused', 'a page', 'silent'] as const;
export type Lie = (typeof FALSE_ANSWERS)[number] | (typeof NO_ANSWERS)[number];

/** What no server may bring into the page. */
const MARKUP =
  '<h1 data-lie>✓ All blocks are intact</h1><img data-lie src=x onerror="owned=1"><script>owned=1</script>';
const ENDLESS = '['.repeat(10 * 2 ** 20);

interface Question {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** A server between page and stack that tells the truth, but for the answers to questions of one kind. */
export class LyingServer {
  /** About what it lies, and how. */
  lie: { readonly kind: string; readonly how: Lie } | null = null;
  /** Under what its true answers are kept, for later lies; null: they are not. */
  keepAs: string | null = null;
  /** Whose kept answers it gives for `older` and `another's`. */
  instead = '';
  /** Kinds that were asked for since it was emptied. */
  readonly asked = new Set<string>();
  /** How many answers were altered since it was set to 0. */
  told = 0;
  readonly #kept = new Map<string, Buffer[]>();
  #next = 0;
  readonly #silenced: Route[] = [];
  #held: PromiseWithResolvers<void> | null = null;

  static async before(page: Page): Promise<LyingServer> {
    const server = new LyingServer();
    await page.route(
      ({ pathname }) => server.#isAbout(pathname),
      // A page that has gone away meanwhile asks no more.
      (route) => server.#answer(route).catch(() => undefined),
    );
    return server;
  }

  /** While it lies about one part, the others are not stopped on their way: that is most of the time. */
  #isAbout(pathname: string): boolean {
    if (!/^\/console\/(?:chain|place|bucket)|^\/v1\//.test(pathname)) return false;
    if (this.lie === null || this.keepAs !== null) return true;
    const { kind } = this.lie;
    if (pathname === CHAIN) return !PATHS.test(kind);
    if (pathname.startsWith('/console/bucket/')) return kind === 'listing' || kind === 'object';
    return pathOf(pathname) === kind;
  }

  begin(lie: LyingServer['lie'], instead = ''): void {
    this.lie = lie;
    this.instead = instead;
    this.told = 0;
    this.#next = 0;
    this.asked.clear();
  }

  /** The truth again, and an end for whoever waits for an answer. */
  async stop(): Promise<void> {
    this.begin(null);
    await Promise.all(this.#silenced.splice(0).map((route) => route.abort().catch(() => undefined)));
  }

  /** Whether another answer than the true one is known for a kind. */
  hasKept(as: string, kind: string): boolean {
    return this.#kept.has(`${as} ${kind}`);
  }

  /** Nothing is answered until it is released. */
  hold(): void {
    this.#held = Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  async #answer(route: Route): Promise<void> {
    await this.#held?.promise;
    const kind = kindOf(route.request());
    this.asked.add(kind);
    if (this.lie?.kind === kind) {
      this.told += 1;
      return this.#tell(route, this.lie.how);
    }
    if (this.keepAs === null) return route.continue();
    const response = await route.fetch();
    const key = `${this.keepAs} ${kind}`;
    const kept = this.#kept.get(key) ?? [];
    kept.push(await response.body());
    this.#kept.set(key, kept);
    return route.fulfill({ response });
  }

  async #tell(route: Route, how: Lie): Promise<void> {
    switch (how) {
      case 'silent':
        this.#silenced.push(route);
        return;
      case 'a page':
        return route.fulfill({ status: 200, contentType: 'text/html', body: `<!doctype html>${MARKUP}` });
      case 'failed':
        return route.fulfill({ status: 500, contentType: 'text/html', body: MARKUP });
      case 'refused': {
        const body = JSON.stringify({ type: 'about:blank', title: MARKUP, status: 403, detail: MARKUP });
        return route.fulfill({ status: 403, contentType: 'application/problem+json', body });
      }
      case 'endless':
        return route.fulfill({ status: 200, contentType: 'application/json', body: ENDLESS });
    }
    const response = await route.fetch();
    const body = await response.body();
    return route.fulfill({ response, body: this.#changed(body, how) });
  }

  #changed(body: Buffer, how: Lie): Buffer | string {
    const isText = body[0] === 0x7b || body[0] === 0x5b;
    if (how === 'cut') return body.subarray(0, Math.floor(body.length / 2));
    if (how === 'empty') return '';
    if (how === 'nothing') return body[0] === 0x5b ? '[]' : isText ? '{}' : Buffer.of(0xa0);
    if (how === 'older' || how === "another's") {
      const kept = this.#kept.get(`${this.instead} ${this.lie?.kind}`) ?? [];
      const one = kept[Math.min(this.#next, kept.length - 1)];
      this.#next += 1;
      return one ?? body;
    }
    const share = Number(/\d+/.exec(how)?.[0]) / 100;
    return isText ? otherDigit(body.toString(), share) : otherBit(body, share);
  }
}

const CHAIN = '/console/chain';
/** Kinds that are known by their paths; all others are questions to the chain. */
const PATHS = /^\/|^place$|^listing$|^object$/;

function pathOf(pathname: string): string {
  if (pathname === '/console/place.json') return 'place';
  return pathname.replace(/0x[0-9a-f]+/g, '{id}').replace(/\/\d+/g, '/{n}');
}

/** What a request asks for, without what differs from one to the next; a batch of chain questions is of one kind. */
function kindOf(request: Request): string {
  const { pathname, searchParams } = new URL(request.url());
  if (pathname === CHAIN) return [...new Set(questionsOf(request).map(nameOf))].sort().join(' + ');
  if (pathname.startsWith('/console/bucket/')) return searchParams.has('list-type') ? 'listing' : 'object';
  return pathOf(pathname);
}

function questionsOf(request: Request): Question[] {
  const body = request.postDataJSON() as Question | Question[];
  return Array.isArray(body) ? body : [body];
}

function nameOf({ method, params }: Question): string {
  const [about] = params as [{ data?: string; topics?: (string | string[])[] }];
  if (method === 'eth_call') return `call ${about.data?.slice(0, 10)}`;
  if (method === 'eth_getLogs') return `logs ${[about.topics?.[0]].flat()[0]?.slice(0, 10)}`;
  return method;
}

function otherBit(body: Buffer, share: number): Buffer {
  const changed = Buffer.from(body);
  const at = Math.min(changed.length - 1, Math.floor(changed.length * share));
  if (at >= 0) changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

/** The first digit from there on is another one, which leaves the form of the answer as it is. Zeros stay: most only fill. */
function otherDigit(text: string, share: number): string {
  const from = Math.floor(text.length * share);
  const at = [...text.slice(from)].findIndex((letter, i) => isValue(text, from + i) && /[1-9a-f]/.test(letter));
  const place = at === -1 ? text.search(/[1-9](?=[^"]*$)/) : from + at;
  if (place === -1) return `${text} `;
  const digit = text[place] as string;
  const other = digit === '1' ? '2' : digit === 'a' ? 'b' : String.fromCharCode(digit.charCodeAt(0) - 1);
  return text.slice(0, place) + other + text.slice(place + 1);
}

/** Whether a digit is one of a value, and not of a field's name: names are followed by a colon. */
function isValue(text: string, at: number): boolean {
  return !/^[^",:{}[\]]*"\s*:/.test(text.slice(at, at + 80));
}
