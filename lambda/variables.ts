import type { FunctionRow, May } from '../functions/row.ts';

/**
 * The variables of the environment that a right brings; a function is told of no other (cdk/environment-of.ts), and its
 * entry can read no other (lambda/environment.ts).
 */
const BY_RIGHT: { readonly [Key in keyof May]-?: (right: string) => readonly Variable[] } = {
  objects: () => ['PLUMBLINE_BUCKET'],
  table: () => ['PLUMBLINE_TABLE'],
  dissc: (right) => [...CHAIN, 'PLUMBLINE_DISSC', 'PLUMBLINE_FROM_BLOCK', ...(right === 'record' ? RECORDING : [])],
  ocasc: () => [...CHAIN, 'PLUMBLINE_OCASC'],
  // Who records is the account that grants are made out to; the others have to be told.
  asc: (right) => [...CHAIN, 'PLUMBLINE_ASC', ...(right === 'record' ? [] : (['PLUMBLINE_CSS_ACCOUNT'] as const))],
  // They are in the table.
  owners: () => ['PLUMBLINE_TABLE', 'PLUMBLINE_GRANTS_MIN_PER_RECORD_WEI', 'PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES'],
  queue: () => ['PLUMBLINE_ANCHOR_QUEUE'],
  ipfs: () => ['PLUMBLINE_IPFS_API', 'PLUMBLINE_IPFS_TOKEN_SECRET'],
};

const RECORDING = [
  'PLUMBLINE_RELAYER_KEY_ID',
  'PLUMBLINE_RECORD_EVERY_MS',
  'PLUMBLINE_ROUND_EVERY_MS',
  'PLUMBLINE_KEEP_ROUNDS_DAYS',
] as const;
/** The depth of a final block is for chains alone whose nodes have no `finalized` block. */
const CHAIN = [
  'PLUMBLINE_RPC_SECRET',
  'PLUMBLINE_RPC_SECRET_VERSION',
  'PLUMBLINE_CHAIN_ID',
  'PLUMBLINE_FINAL_DEPTH',
] as const satisfies readonly Variable[];

export type Variable =
  /** ARN of the secret with the addresses of the chain's nodes in order of preference, which may hold keys of their hosts. */
  | 'PLUMBLINE_RPC_SECRET'
  /** Which version of it; the current one when absent. Another one makes every function read it. */
  | 'PLUMBLINE_RPC_SECRET_VERSION'
  | 'PLUMBLINE_CHAIN_ID'
  | 'PLUMBLINE_FINAL_DEPTH'
  /** Comma-separated host names that requests may be addressed to. */
  | 'PLUMBLINE_AUTHORITIES'
  | 'PLUMBLINE_BUCKET'
  | 'PLUMBLINE_TABLE'
  | 'PLUMBLINE_DISSC'
  /** Address of OCASC; where it is absent, no agreements are served. */
  | 'PLUMBLINE_OCASC'
  /** Address of ASC; where it is absent, no consumers are served. */
  | 'PLUMBLINE_ASC'
  /** The account that grants of ASC are made out to. */
  | 'PLUMBLINE_CSS_ACCOUNT'
  /** What a record must earn for a proposed grant to be accepted, in wei; 0 when absent. */
  | 'PLUMBLINE_GRANTS_MIN_PER_RECORD_WEI'
  /** Stored bytes of any owner with an accepted grant; where it is absent, the owners in the table alone are served. */
  | 'PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES'
  /** Id or ARN in KMS of the key that records and is repaid (specification#parts). */
  | 'PLUMBLINE_RELAYER_KEY_ID'
  /** A stored batch waits so long for others of its dataset before it is recorded; 0 when absent. */
  | 'PLUMBLINE_RECORD_EVERY_MS'
  /** Rounds follow each other no faster; 0 when absent. */
  | 'PLUMBLINE_ROUND_EVERY_MS'
  /** So many days every round stays provable, then one a day; all of them for good when absent. */
  | 'PLUMBLINE_KEEP_ROUNDS_DAYS'
  /** The block from which on events of the contracts are looked for; 0 when absent. */
  | 'PLUMBLINE_FROM_BLOCK'
  /** URL of the anchor's FIFO queue. */
  | 'PLUMBLINE_ANCHOR_QUEUE'
  /** RPC of an IPFS node. */
  | 'PLUMBLINE_IPFS_API'
  /** ARN of the secret with the bearer token that the node asks for; absent where it asks for none. */
  | 'PLUMBLINE_IPFS_TOKEN_SECRET';

/** The variables of a function, by its row. */
export function variablesOf({ trigger, callers, may }: FunctionRow): ReadonlySet<Variable> {
  const ofRights = Object.entries(may).flatMap(([key, right]) => BY_RIGHT[key as keyof May](right));
  const ofRequests: Variable[] = trigger.kind === 'http' ? ['PLUMBLINE_AUTHORITIES'] : [];
  // Requests are signed for one chain.
  const ofSigned: Variable[] = trigger.kind === 'http' && callers !== 'anyone' ? ['PLUMBLINE_CHAIN_ID'] : [];
  return new Set([...ofRequests, ...ofSigned, ...ofRights]);
}
