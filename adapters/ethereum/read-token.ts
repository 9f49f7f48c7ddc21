import { Interface, id } from 'ethers';
import { type Address, NO_ACCOUNT } from '../../core/ids.ts';
import type { TokenFacts, Tokens } from '../../core/ports/tokens.ts';
import { createJsonRpc, type JsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { ocascInterface } from './ocasc-interface.ts';
import { data, parseAnswer } from './parse-answers.ts';
import { asUnavailable } from './read-chain-point.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';
import { isRefusedByContract } from './refused-by-contract.ts';

export interface TokenReaderOptions extends JsonRpcOptions {
  readonly ocasc: Address;
}

const tokenInterface = new Interface([
  'function symbol() view returns (string)',
  'function decimals() view returns (uint8)',
  'function balanceOf(address account) view returns (uint256)',
]);

/** Letters, digits and what else symbols are made of: nothing that hides or moves text. */
const SYMBOL = /^[\x21-\x7e]{1,16}$/;
const MAX_DECIMALS = 77;

/** Functions of tokens whose balances change by themselves (stETH, aTokens, Ampleforth), or that keep a part of what is sent. */
const CHANGING = [
  ...['getPooledEthByShares(uint256)', 'sharesOf(address)', 'scaledBalanceOf(address)', 'rebase(uint256,int256)'],
  ...['rebase(int256)', 'rebase()', 'gonsPerFragment()', 'scaledTotalSupply()', 'rebasingCredits()'],
  ...['basisPointsRate()', 'isExcludedFromFee(address)', '_taxFee()', 'taxFee()', 'setTaxFeePercent(uint256)'],
  ...['sellTax()', 'buyTax()', 'transferFee()', 'isExcludedFromReward(address)'],
].map((signature) => id(signature).slice(2, 10));

/** Where proxies keep the address of their code (ERC-1967), of their beacon, and where older ones of OpenZeppelin do. */
const PROXY_SLOTS = [
  '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc',
  '0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50',
  '0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3',
];
/** A minimal proxy (ERC-1167): it stands for one contract for ever, whose code is what counts. */
const MINIMAL_PROXY = /^0x363d3d373d3d3d363d73([0-9a-f]{40})5af43d82803e903d91602b57fd5bf3$/;

/** What stands in the code of an account that has delegated to a contract (EIP-7702): its key signs as before. */
const DELEGATION = '0xef0100';

/** Tokens, as a node shows them. Whatever a token says is hostile input: it is bounded, and what cannot be shown is null. */
export function createTokenReader(options: TokenReaderOptions): Tokens {
  const rpc = createJsonRpc(options);
  const { ocasc } = options;
  return {
    async readToken(token, signal): Promise<TokenFacts> {
      try {
        const code = await readCode(rpc, token, signal);
        const target = MINIMAL_PROXY.exec(code)?.[1];
        const running = target === undefined ? code : await readCode(rpc, `0x${target}`, signal);
        const view = (name: string, values: readonly unknown[] = []) => readView(rpc, token, name, values, signal);
        return {
          token,
          hasCode: code !== '0x',
          symbol: decodeSymbol(await view('symbol')),
          decimals: decodeDecimals(await view('decimals')),
          isProxy: await isProxy(rpc, token, signal),
          changesAmounts: CHANGING.some((selector) => running.includes(`63${selector}`)),
          held: decodeAmount(await view('balanceOf', [ocasc])),
          owed: await readOwed(rpc, ocasc, token, signal),
        };
      } catch (error) {
        throw asUnavailable(error);
      }
    },

    async isContract(account, signal) {
      try {
        const code = await readCode(rpc, account, signal);
        return code !== '0x' && !code.startsWith(DELEGATION);
      } catch (error) {
        throw asUnavailable(error);
      }
    },
  };
}

async function readCode(rpc: JsonRpc, at: string, signal?: AbortSignal): Promise<string> {
  return parseAnswer(data, 'eth_getCode', await rpc.call('eth_getCode', [at, 'latest'], signal)).toLowerCase();
}

/** False, too, where the node does not show storage: it is one of several signs. */
async function isProxy(rpc: JsonRpc, token: Address, signal?: AbortSignal): Promise<boolean> {
  for (const slot of PROXY_SLOTS) {
    try {
      const kept = await rpc.call('eth_getStorageAt', [token, slot, 'latest'], signal);
      if (typeof kept === 'string' && /[1-9a-f]/i.test(kept.slice(2))) return true;
    } catch (error) {
      if (!(error instanceof RpcRefusedError)) throw error;
    }
  }
  return false;
}

/** `0x` where it refuses, or has no such function. */
async function readView(
  rpc: JsonRpc,
  token: Address,
  name: string,
  values: readonly unknown[],
  signal?: AbortSignal,
): Promise<string> {
  const call = { to: token, data: tokenInterface.encodeFunctionData(name, values) };
  try {
    return parseAnswer(data, 'eth_call', await rpc.call('eth_call', [call, 'latest'], signal));
  } catch (error) {
    if (error instanceof RpcRefusedError && (await isRefusedByContract(rpc, NO_ACCOUNT, error, signal))) return '0x';
    throw error;
  }
}

async function readOwed(rpc: JsonRpc, ocasc: Address, token: Address, signal?: AbortSignal): Promise<bigint> {
  const call = { to: ocasc, data: ocascInterface.encodeFunctionData('owed', [token]) };
  return decodeAmount(parseAnswer(data, 'eth_call', await rpc.call('eth_call', [call, 'latest'], signal)));
}

/** A string, or 32 bytes of text, as some old tokens have it. */
function decodeSymbol(answered: string): string | null {
  let symbol: string;
  try {
    symbol =
      answered.length === 66
        ? Buffer.from(answered.slice(2), 'hex').toString('latin1').replace(/\0+$/, '')
        : String(tokenInterface.decodeFunctionResult('symbol', answered)[0]);
  } catch {
    return null;
  }
  return SYMBOL.test(symbol) ? symbol : null;
}

function decodeDecimals(answered: string): number | null {
  const value = answered.length === 66 ? BigInt(answered) : -1n;
  return value >= 0n && value <= MAX_DECIMALS ? Number(value) : null;
}

function decodeAmount(answered: string): bigint {
  return answered.length === 66 ? BigInt(answered) : 0n;
}
