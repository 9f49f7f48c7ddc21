import * as z from 'zod';

/** Questions of one request. */
const MAX_QUESTIONS = 100;

/** What the console asks of a chain, and no more: nothing that changes it, or that costs its node much. */
const PLAIN = [
  'eth_chainId',
  'eth_blockNumber',
  'eth_getBlockByNumber',
  'eth_getBlockByHash',
  'eth_getTransactionByHash',
  'eth_getTransactionReceipt',
];

const question = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.int(), z.string().max(40)]),
  method: z.string().max(40),
  params: z.array(z.unknown()).max(3),
});

/**
 * Whether a text asks a chain only for what the console reads: heads of the chain, transactions, and calls and logs of these
 * contracts.
 * @param contracts addresses in lower case
 * @returns null where it may be asked, else why not
 */
export function refuseChainQuestion(text: string, contracts: readonly string[]): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'The body is not JSON.';
  }
  const questions = z
    .array(question)
    .min(1)
    .max(MAX_QUESTIONS)
    .safeParse(Array.isArray(parsed) ? parsed : [parsed]);
  if (!questions.success) return `The body must hold 1 to ${MAX_QUESTIONS} JSON-RPC requests.`;
  for (const { method, params } of questions.data) {
    if (PLAIN.includes(method)) continue;
    const about = addressOf(method, params[0]);
    if (about === undefined) return `The console's path to the chain does not allow ${method}. Ask a node directly.`;
    if (typeof about !== 'string' || !contracts.includes(about.toLowerCase())) {
      return `The console's path to the chain allows ${method} only for Plumbline's contracts.`;
    }
    if (method === 'eth_call' && params.length > 2) return 'Calls must not override the state.';
  }
  return null;
}

/** Undefined for a method that is not taken at all. */
function addressOf(method: string, about: unknown): unknown {
  const fields = (typeof about === 'object' && about !== null ? about : {}) as Readonly<Record<string, unknown>>;
  if (method === 'eth_call') return fields.to ?? null;
  if (method === 'eth_getLogs') return fields.address ?? null;
  return undefined;
}
