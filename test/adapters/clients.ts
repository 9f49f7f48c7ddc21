import type { Dialect } from './foreign-node.ts';

/*
 * How clients other than geth say what they have against a transaction, by what anvil says of it, and what of JSON-RPC they
 * lack. From their sources and from public reports (nethermind #4829, #11212, #12000, #12153; zksync-era #3695; sei-chain
 * #1611; bor #1148).
 */
const POOR = /insufficient funds|out of fund/i;
const LOW_NONCE = /nonce too low/i;
const CHEAP = /underpriced/i;
const LOW_FEE = /max fee per gas|base fee/i;
const KNOWN = /already/i;
const REVERTED = /revert/i;

const say = (code: number, message: string) => ({ code, message });

export const CLIENTS: Readonly<Record<string, Dialect>> = {
  Nethermind: {
    missing: ['eth_feeHistory'],
    notThere: say(-32601, "The method 'eth_feeHistory' is not supported."),
    revertData: (data) => `Reverted ${data}`,
    words: [
      [POOR, say(-32010, 'InsufficientFunds, Account balance: 0, cumulative cost: 5809177184380485770')],
      [LOW_NONCE, say(-32010, 'OldNonce, Current nonce: 7, nonce of rejected tx: 6')],
      [CHEAP, say(-32010, 'ReplacementNotAllowed')],
      [LOW_FEE, say(-32010, 'FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 1, BaseFee: 7')],
      [KNOWN, say(-32010, 'AlreadyKnown')],
      [REVERTED, say(-32015, 'VM execution error.')],
    ],
  },
  Besu: {
    missing: ['eth_maxPriorityFeePerGas', 'eth_feeHistory'],
    notThere: say(-32604, 'Method not enabled'),
    unknownTags: ['finalized', 'safe'],
    words: [
      [POOR, say(-32004, 'Upfront cost exceeds account balance')],
      [LOW_NONCE, say(-32001, 'Nonce below current')],
      [CHEAP, say(-32000, 'Transaction replacement fee bump too small')],
      [LOW_FEE, say(-32009, 'Gas price below configured minimum')],
      [KNOWN, say(-32000, 'Transaction known')],
      [REVERTED, say(-32000, 'Execution of the call did not end well')],
    ],
  },
  Erigon: {
    byNumberAlone: true,
    errorNull: true,
    words: [
      [POOR, say(-32000, 'insufficient balance: tx costs more than the sender has')],
      [LOW_NONCE, say(-32000, 'nonce is less than the one in state')],
      [CHEAP, say(-32000, 'could not replace existing tx')],
      [LOW_FEE, say(-32000, 'fee cap below the floor')],
      [KNOWN, say(-32000, 'duplicate')],
    ],
  },
  zkSync: {
    missing: ['eth_feeHistory', 'eth_maxPriorityFeePerGas'],
    unknownTags: ['pending'],
    unknownTag: say(-32602, 'Invalid params'),
    batches: 'error',
    // Code and data of a revert for whatever it is.
    words: [
      [POOR, { ...say(3, 'Not enough for gas + value. balance: 0'), data: '0x' }],
      [LOW_NONCE, { ...say(3, 'known transaction. transaction with hash 0x12 is already in the system'), data: '0x' }],
      [CHEAP, { ...say(3, 'replacement will not do'), data: '0x' }],
      [LOW_FEE, { ...say(3, 'max fee does not reach'), data: '0x' }],
      [KNOWN, { ...say(3, 'seen'), data: '0x' }],
    ],
  },
  'Cosmos EVM': {
    missing: ['eth_maxPriorityFeePerGas'],
    batches: 'page',
    textIds: true,
    byNumberAlone: true,
    revertData: (data) => ({ result: data }),
    result: ({ method }, result) => {
      if (method !== 'eth_getTransactionReceipt' || result === null) return result;
      const { effectiveGasPrice: _, ...receipt } = result as Record<string, unknown>;
      return receipt;
    },
    words: [
      [POOR, say(-32000, 'sender balance < tx cost (0 < 210000000): rpc error: code = Internal')],
      [LOW_NONCE, say(-32000, 'invalid nonce; got 3, expected 4: invalid sequence: account sequence mismatch')],
      [CHEAP, say(-32000, 'tx already exists in cache')],
      [LOW_FEE, say(-32000, 'provided fee < minimum global fee: insufficient fee')],
      [KNOWN, say(-32000, 'tx already exists in cache')],
      [REVERTED, say(-32000, 'rpc error: code = Unknown desc = contract call failed')],
    ],
  },
  'a chain without base fee': {
    missing: ['eth_maxPriorityFeePerGas', 'eth_feeHistory'],
    batches: 'cut',
    result: ({ method }, result) =>
      method === 'eth_getBlockByNumber' && result !== null ? { ...(result as object), baseFeePerGas: null } : result,
  },
};
