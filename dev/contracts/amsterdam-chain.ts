/**
 * EDR by Amsterdam's rules, in this process: it has EIP-7976 and EIP-8037, which price calldata and new state, not yet EIP-8038
 * and EIP-2780.
 */
import {
  ContractDecoder,
  EdrContext,
  L1_CHAIN_TYPE,
  L1Hardfork,
  l1GenesisState,
  l1HardforkToString,
  l1ProviderFactory,
  type MineOrdering,
} from '@nomicfoundation/edr';
import { getBytes, JsonRpcApiProvider, type JsonRpcPayload, type JsonRpcResult } from 'ethers';
import { fundedAccounts, GAS_CHAIN_ID, type NewChain } from './gas-chain.ts';

/** EIP-7825's cap does not hold for new state there: OCASC's code alone takes more than it. */
const TRANSACTION_GAS = 100_000_000;
// The enum has no values when it runs.
const FIFO = 'Fifo' as MineOrdering;
const BALANCE_WEI = 10n ** 22n;
const BASE_FEE_WEI = 10n ** 9n;

/** Answers one request of JSON-RPC, given as text. */
export type Handle = (request: string) => Promise<{ readonly data: unknown }>;

/** ethers on a provider that is called, not connected to. */
class CalledProvider extends JsonRpcApiProvider {
  readonly #handle: Handle;

  constructor(handle: Handle) {
    super(GAS_CHAIN_ID, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
    this.#handle = handle;
    this._start();
  }

  override async _send(payload: JsonRpcPayload | readonly JsonRpcPayload[]): Promise<JsonRpcResult[]> {
    const payloads = Array.isArray(payload) ? payload : [payload];
    return Promise.all(
      payloads.map(async (one) => {
        const { data } = await this.#handle(JSON.stringify(one));
        const answer = (typeof data === 'string' ? JSON.parse(data) : data) as object;
        // EDR answers a call, and so names no request.
        return { ...answer, id: one.id } as JsonRpcResult;
      }),
    );
  }
}

export async function startAmsterdamChain(): Promise<NewChain> {
  const provider = new CalledProvider(await createAmsterdam());
  return {
    provider,
    transactionGas: TRANSACTION_GAS,
    baseFeeMethod: 'hardhat_setNextBlockBaseFeePerGas',
    stop: () => provider.destroy(),
  };
}

/** A chain that has just begun and mines on arrival: it answers JSON-RPC requests, which need name no version. */
export async function createAmsterdam(): Promise<Handle> {
  const context = new EdrContext();
  await context.registerProviderFactory(L1_CHAIN_TYPE, l1ProviderFactory());
  const accounts = fundedAccounts();
  const edr = await context.createProvider(
    L1_CHAIN_TYPE,
    {
      allowBlocksWithSameTimestamp: false,
      allowUnlimitedContractSize: false,
      bailOnCallFailure: true,
      bailOnTransactionFailure: false,
      chainId: BigInt(GAS_CHAIN_ID),
      coinbase: new Uint8Array(20).fill(0xc0),
      defaultTransactionGasLimit: BigInt(TRANSACTION_GAS),
      genesisState: [
        ...l1GenesisState(L1Hardfork.Amsterdam),
        ...accounts.map(({ address }) => ({ address: getBytes(address), balance: BALANCE_WEI })),
      ],
      hardfork: l1HardforkToString(L1Hardfork.Amsterdam),
      initialBaseFeePerGas: BASE_FEE_WEI,
      initialParentBeaconBlockRoot: new Uint8Array(32),
      minGasPrice: 0n,
      mining: { autoMine: true, memPool: { order: FIFO } },
      network: { genesisBlockGasLimit: 10n * BigInt(TRANSACTION_GAS) },
      networkId: BigInt(GAS_CHAIN_ID),
      observability: {},
      ownedAccounts: accounts.map(({ privateKey }) => privateKey),
      precompileOverrides: [],
      transactionGasCap: false,
    },
    { enable: false, decodeConsoleLogInputsCallback: () => [], printLineCallback: () => {} },
    { subscriptionCallback: () => {} },
    new ContractDecoder(),
  );
  return (request) => edr.handleRequest(request);
}
