import { PlumblineError } from '../../core/errors.ts';

/** Whose turn it is after a refusal; `later` is anybody's, as nothing is wrong but the moment. */
export type ProblemTurn = 'caller' | 'owner' | 'device' | 'operator' | 'later';

/** Stable types of problem documents (RFC 9457), with their status and title. Callers act on these. */
export const PROBLEMS = {
  '/problems/bad-request': { status: 400, turn: 'caller', title: 'The request does not match the API.' },
  '/problems/signature': { status: 401, turn: 'caller', title: "The request's signature is missing or invalid." },
  '/problems/clock': {
    status: 401,
    turn: 'caller',
    title: "The signature's time is outside the allowed window. Check your clock.",
  },
  '/problems/forbidden': { status: 403, turn: 'caller', title: 'The caller may not do this.' },
  '/problems/not-served': {
    status: 403,
    turn: 'operator',
    title: "This service does not store data for the dataset's owner.",
  },
  '/problems/quota': { status: 403, turn: 'operator', title: "The owner's storage quota is used up." },
  '/problems/no-agreement': { status: 403, turn: 'caller', title: 'The agreement is not accepted in a final block.' },
  '/problems/no-grant': {
    status: 403,
    turn: 'owner',
    title: 'The owner has not authorised this service to show that.',
  },
  '/problems/not-paid': { status: 403, turn: 'caller', title: 'The block is neither paid for nor one of the samples.' },
  '/problems/not-found': { status: 404, turn: 'caller', title: 'What you asked for does not exist.' },
  '/problems/unrecorded': { status: 404, turn: 'device', title: 'No stored batch has this block.' },
  '/problems/block-unavailable': {
    status: 404,
    turn: 'operator',
    title: 'The stored object does not contain the block.',
  },
  '/problems/no-ipfs': { status: 404, turn: 'operator', title: 'This service has no IPFS node.' },
  '/problems/method-not-allowed': { status: 405, turn: 'caller', title: 'This path does not allow the method.' },
  '/problems/rejected': { status: 409, turn: 'device', title: 'The segment is stored, but the service rejected it.' },
  '/problems/charter-not-on-chain': {
    status: 409,
    turn: 'owner',
    title: 'The charter is not valid until the chain has it.',
  },
  '/problems/described': {
    status: 409,
    turn: 'owner',
    title: 'The offer already has a different description, which cannot be changed.',
  },
  '/problems/board-full': { status: 409, turn: 'later', title: 'The board is full.' },
  '/problems/sequence-used': { status: 409, turn: 'caller', title: 'Another message already has this number.' },
  '/problems/round-thinned': { status: 410, turn: 'caller', title: 'The service no longer keeps this round.' },
  '/problems/ended': { status: 410, turn: 'caller', title: 'The agreement has ended.' },
  '/problems/too-large': { status: 413, turn: 'caller', title: 'The request is too large.' },
  '/problems/uri-too-long': { status: 414, turn: 'caller', title: 'The address is too long.' },
  '/problems/headers-too-large': { status: 431, turn: 'caller', title: 'The headers are too large.' },
  '/problems/internal': { status: 500, turn: 'operator', title: 'The service failed, and logged the error.' },
  '/problems/unavailable': {
    status: 503,
    turn: 'later',
    title: 'A part of the service does not answer now. Try again.',
  },
} as const satisfies Readonly<Record<string, { status: number; turn: ProblemTurn; title: string }>>;

export type ProblemType = keyof typeof PROBLEMS;

/** Ends a request with a problem document. The detail is for the caller: what, the value, the limit, the remedy. */
export class Problem extends PlumblineError {
  override readonly name = 'Problem';
  readonly kind = 'refused';
  readonly type: ProblemType;
  readonly extra: Readonly<Record<string, string | number>>;

  constructor(type: ProblemType, detail: string, extra: Readonly<Record<string, string | number>> = {}) {
    super(detail);
    this.type = type;
    this.extra = extra;
  }
}

/** What the caller may know of an error: all of a Problem, nothing of what failed inside. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof PlumblineError && error.kind === 'chain') {
    return new Problem('/problems/unavailable', 'The chain cannot be read now. Try again.');
  }
  if (error instanceof PlumblineError && error.kind === 'unavailable') {
    return new Problem('/problems/unavailable', 'A store cannot be reached now. Try again.');
  }
  if (error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')) {
    return new Problem('/problems/unavailable', 'The request took longer than it may. Try again, or ask for less.');
  }
  return new Problem('/problems/internal', 'The request could not be answered.');
}

export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

export function problemAnswer(problem: Problem): HttpAnswer {
  const { status, title } = PROBLEMS[problem.type];
  const document = { type: problem.type, title, status, detail: problem.shortMessage, ...problem.extra };
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      // RFC 9110 §15.5.2 asks for a challenge, RFC 9110 §15.6.4 for a hint.
      ...(status === 401 ? { 'www-authenticate': 'Signature' } : {}),
      ...(status === 503 ? { 'retry-after': '2' } : {}),
    },
    body: JSON.stringify(document),
    isBase64Encoded: false,
  };
}
