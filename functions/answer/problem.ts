import { PlumblineError } from '../../core/errors.ts';

/** Whose turn it is after a refusal; `later` is anybody's, as nothing is wrong but the moment. */
export type ProblemTurn = 'caller' | 'owner' | 'device' | 'operator' | 'later';

/** Stable types of problem documents (RFC 9457), with their status and title. Callers act on these. */
export const PROBLEMS = {
  '/problems/bad-request': { status: 400, turn: 'caller', title: 'The request is not what the interface says.' },
  '/problems/signature': { status: 401, turn: 'caller', title: 'The request is not signed as it must be.' },
  '/problems/clock': { status: 401, turn: 'caller', title: 'The request was not signed now, by the clock here.' },
  '/problems/forbidden': { status: 403, turn: 'caller', title: 'The caller has no right to this.' },
  '/problems/not-served': { status: 403, turn: 'operator', title: 'The owner of this dataset is not served here.' },
  '/problems/quota': { status: 403, turn: 'operator', title: 'The owner has used up the stored bytes it may have.' },
  '/problems/no-agreement': { status: 403, turn: 'caller', title: 'No such agreement has been accepted, finally.' },
  '/problems/no-grant': {
    status: 403,
    turn: 'owner',
    title: 'The owner has not authorised this service to show that.',
  },
  '/problems/not-paid': { status: 403, turn: 'caller', title: 'The block is neither paid for nor one of the samples.' },
  '/problems/not-found': { status: 404, turn: 'caller', title: 'There is no such thing.' },
  '/problems/unrecorded': { status: 404, turn: 'device', title: 'No stored batch has this block.' },
  '/problems/block-unavailable': {
    status: 404,
    turn: 'operator',
    title: 'The block cannot be read from what is stored.',
  },
  '/problems/no-ipfs': { status: 404, turn: 'operator', title: 'This service has no IPFS node.' },
  '/problems/method-not-allowed': { status: 405, turn: 'caller', title: 'The resource does not take this method.' },
  '/problems/rejected': { status: 409, turn: 'device', title: 'The segment is stored, and was rejected.' },
  '/problems/charter-not-on-chain': {
    status: 409,
    turn: 'owner',
    title: 'The charter does not count before the chain has it.',
  },
  '/problems/described': { status: 409, turn: 'owner', title: 'The offer has another description, which stays.' },
  '/problems/board-full': { status: 409, turn: 'later', title: 'The board takes no more requests now.' },
  '/problems/sequence-used': { status: 409, turn: 'caller', title: 'Another message has this number.' },
  '/problems/round-thinned': { status: 410, turn: 'caller', title: 'What this round held can be proven no more.' },
  '/problems/ended': { status: 410, turn: 'caller', title: 'The agreement has ended.' },
  '/problems/too-large': { status: 413, turn: 'caller', title: 'The request is too large.' },
  '/problems/uri-too-long': { status: 414, turn: 'caller', title: 'The address is too long.' },
  '/problems/headers-too-large': { status: 431, turn: 'caller', title: 'The headers are too large.' },
  '/problems/internal': { status: 500, turn: 'operator', title: 'Something failed here. It has been logged.' },
  '/problems/unavailable': {
    status: 503,
    turn: 'later',
    title: 'A part of the service is not reachable now. Try again.',
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
