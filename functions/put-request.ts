import middy from '@middy/core';
import { fromHex } from '../core/bytes.ts';
import { ArgumentError, ProofError, StoreUnavailableError } from '../core/errors.ts';
import type { AgreementId } from '../core/ids.ts';
import {
  type BuyingRequest,
  MAX_REQUEST_SECONDS,
  type NamedRequest,
  requireRequest,
} from '../core/market/buying-request.ts';
import type { SignedText } from '../core/market/signed-text.ts';
import type { Agreements } from '../core/ports/agreements.ts';
import type { Item } from '../core/ports/table.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf } from './ports.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { createServedReader, type ServedReader, type ServingPorts } from './rights/is-served.ts';
import { REQUESTS_PK, type RequestEntry, type RequestPlaces, requestSk } from './state/entries.ts';
import { putRequestRow as row } from './table.ts';

/**
 * The board has these places and no more, so that strangers cost a fixed 0.5 MB whatever they send; most are for accounts that
 * have bought from an owner served here, which a loop has to pay for.
 */
export const PLACES: Readonly<Record<RequestPlaces, number>> = { BUYER: 192, OPEN: 64 };
const MAX_OF_ACCOUNT = 2;
/** Writes of one call at most. */
const MAX_TRIES = 8;
/** Clocks differ by so much. */
const SKEW_SECONDS = 300;

type Ports = ServingPorts & {
  readonly agreements: Pick<Agreements, 'domain' | 'readAgreement'> | null;
  readonly isServed: ServedReader;
};

/**
 * Puts what somebody would buy onto the board, until it expires.
 * @returns what the request is called by; `stored` is false when the very same one was there
 * @throws Problem when it is malformed, signed by another, not of now, one too many of its account, or the board is full
 */
export async function putRequest(
  ports: Ports,
  signed: SignedText,
  signal: AbortSignal,
): Promise<{ readonly id: string; readonly stored: boolean }> {
  const { agreements, table, runtime } = ports;
  if (agreements === null) throw new Problem('/problems/not-found', 'This service serves no agreements.');
  const { id, request } = requireForm(agreements.domain, signed);
  const nowSeconds = Math.floor(runtime.nowMs() / 1000);
  requireTimely(request, nowSeconds);
  const places = request.bought === null ? 'OPEN' : await requireBuyer(ports, request, signal);
  const range = { from: requestSk(places, 0), to: requestSk(places, 999), limit: PLACES[places] };
  const { items } = await table.query(REQUESTS_PK, range, signal);
  const kept = items as (Item & RequestEntry)[];
  if (kept.some(({ text }) => text === signed.text)) return { id, stored: false };
  const current = kept.filter(({ expiresAtS }) => expiresAtS > nowSeconds);
  const own = current.filter(({ account }) => account === request.account);
  if (own.length >= MAX_OF_ACCOUNT) {
    throw new Problem(
      '/problems/board-full',
      `${request.account} has ${own.length} requests on the board, which is the maximum.`,
    );
  }
  const entry: RequestEntry = { ...signed, account: request.account, expiresAtS: request.untilSeconds };
  const free = freePlaces(places, kept, nowSeconds, id);
  // Each begins at another place, and whoever was faster has it; who loses so often tries again later.
  for (const { sk, version } of free.slice(0, MAX_TRIES)) {
    const condition = version === null ? 'absent' : { version };
    if (await table.put({ pk: REQUESTS_PK, sk, ...entry }, condition, signal)) return { id, stored: true };
  }
  if (free.length > 0) throw new StoreUnavailableError('The board is changing too often. Try again.');
  const soonest = Math.min(...current.map(({ expiresAtS }) => expiresAtS));
  const until = Number.isFinite(soonest) ? ` until ${new Date(1000 * soonest).toISOString()}` : '';
  throw new Problem(
    '/problems/board-full',
    places === 'OPEN'
      ? `All ${PLACES.OPEN} places for strangers are taken${until}. Name an agreement that you have accepted, or try again later.`
      : `All ${PLACES.BUYER} places for buyers are taken${until}. Try again later.`,
  );
}

/** Places that are empty or whose request has expired, beginning somewhere by the request's own id. */
function freePlaces(
  places: RequestPlaces,
  kept: readonly (Item & RequestEntry)[],
  nowSeconds: number,
  id: string,
): { readonly sk: string; readonly version: number | null }[] {
  const bySk = new Map(kept.map((item) => [item.sk, item]));
  const count = PLACES[places];
  const start = Number.parseInt(id.slice(2, 10), 16);
  return Array.from({ length: count }, (_, i) => requestSk(places, (start + i) % count)).flatMap((sk) => {
    const there = bySk.get(sk);
    if (there !== undefined && there.expiresAtS > nowSeconds) return [];
    return [{ sk, version: there?.version ?? null }];
  });
}

function requireTimely({ madeAtSeconds, untilSeconds }: BuyingRequest, nowSeconds: number): void {
  if (Math.abs(nowSeconds - madeAtSeconds) > SKEW_SECONDS) {
    throw new Problem(
      '/problems/bad-request',
      `body.text: was made at ${madeAtSeconds}, but this service's clock says ${nowSeconds}.`,
    );
  }
  if (untilSeconds <= nowSeconds || untilSeconds > madeAtSeconds + MAX_REQUEST_SECONDS) {
    throw new Problem(
      '/problems/bad-request',
      `body.text: must expire in the future, within ${MAX_REQUEST_SECONDS} s.`,
    );
  }
}

/** That the account has accepted this agreement, of an owner served here: one whom a loop could make costs money nobody gets. */
async function requireBuyer(
  ports: Ports,
  { bought, account }: BuyingRequest,
  signal: AbortSignal,
): Promise<RequestPlaces> {
  const read = await ports.agreements?.readAgreement(bought as AgreementId, 'final', signal);
  const agreement = read?.agreement ?? null;
  const isBuyer = agreement?.buyer?.consumer === account;
  if (agreement === null || !isBuyer || !(await ports.isServed(agreement.terms.dataset, agreement.owner, signal))) {
    throw new Problem(
      '/problems/bad-request',
      `body.text: ${account} has not bought ${bought} from an owner that this service serves.`,
    );
  }
  return 'BUYER';
}

function requireForm(domain: Agreements['domain'], signed: SignedText): NamedRequest {
  try {
    return requireRequest(domain, signed);
  } catch (error) {
    if (!(error instanceof ArgumentError) && !(error instanceof ProofError)) throw error;
    throw new Problem('/problems/bad-request', `body: ${error.shortMessage}`.slice(0, 500));
  }
}

export const handlerFor = (given: PortsOf<typeof row>) => {
  const ports = { ...given, isServed: createServedReader(given) };
  return middy(async ({ body, signal }: Call<typeof row, null>) => {
    return jsonAnswer(await putRequest(ports, { text: body.text, signature: fromHex(body.signature) }, signal));
  }).use(httpMiddleware(ports, row, admitAnyone(row)));
};
