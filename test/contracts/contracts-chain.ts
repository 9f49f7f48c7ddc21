import {
  Contract,
  getAddress,
  HDNodeWallet,
  type InterfaceAbi,
  JsonRpcProvider,
  Mnemonic,
  type TransactionReceipt,
} from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ascAbi } from '../../adapters/ethereum/abi/asc.ts';
import { disscAbi } from '../../adapters/ethereum/abi/dissc.ts';
import { ocascAbi } from '../../adapters/ethereum/abi/ocasc.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { deployContracts, deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC } from '../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../adapters/ethereum/deployable-asc.ts';
import { ANSWER_GAS, DEMAND_GAS, deployableOcasc } from '../../adapters/ethereum/deployable-ocasc.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { fromHex } from '../../core/bytes.ts';
import { address, type PrivateKey } from '../../core/ids.ts';
import { fund } from '../../local/stack/fund.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';

export const MIN_WINDOW_SECONDS = 60;
const BALANCE_WEI = 10n ** 20n;

/** The contracts on a chain, called by ethers alone: what core and adapters make of them stands apart. */
export type ContractsChain = Awaited<ReturnType<typeof startContractsChain>>;

export async function startContractsChain() {
  const anvil = await startAnvil({ stateFile: null, mining: 'instant' });
  const { rpcUrl, chainId } = anvil;
  const provider = new JsonRpcProvider(rpcUrl, chainId, { staticNetwork: true, pollingInterval: 20, cacheTimeout: -1 });
  const stop = async () => {
    provider.destroy();
    await anvil.stop();
  };
  try {
    const rpc = createJsonRpc({ rpcUrl, chainId });
    const newWallet = async (): Promise<HDNodeWallet> => {
      const wallet = HDNodeWallet.fromMnemonic(Mnemonic.fromEntropy(nodePrimitives.randomBytes(16)));
      await fund(rpc, address(wallet.address), BALANCE_WEI);
      return wallet.connect(provider);
    };
    const [owner, consumer] = [await newWallet(), await newWallet()];
    const dissc = deployedAddress(DISSC);
    const gas = { answerGas: ANSWER_GAS, demandGas: DEMAND_GAS };
    const ocasc = deployableOcasc({ dissc, minWindowSeconds: MIN_WINDOW_SECONDS, ...gas });
    const asc = deployableAsc({ dissc });
    const signer = createKeySigner(fromHex(owner.privateKey, 'key', 32) as PrivateKey);
    await deployContracts({ rpcUrl, chainId, signer }, [DISSC, ocasc, asc]);
    const at = (target: string, abi: InterfaceAbi) => new Contract(getAddress(target), abi, provider);
    return {
      chainId,
      provider,
      rpc,
      owner,
      consumer,
      dissc: at(dissc, disscAbi),
      ocasc: at(deployedAddress(ocasc), ocascAbi),
      asc: at(deployedAddress(asc), ascAbi),
      /** Where heads and charters are signed for. */
      signing: { chainId, dissc: dissc as string },
      /** Calls a contract and reads what it logs. @throws when the call reverts */
      async act(contract: Contract, method: string, values: readonly unknown[], options: ActOptions = {}) {
        const { from = owner, valueWei = 0n } = options;
        const called = contract.connect(from) as Contract;
        const sent = await called.getFunction(method)(...values, { value: valueWei });
        const receipt = (await sent.wait()) as TransactionReceipt;
        return receipt.logs
          .filter((log) => log.address === contract.target)
          .map((log) => contract.interface.parseLog(log) ?? fail(log.topics[0]));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export interface ActOptions {
  readonly from?: HDNodeWallet;
  readonly valueWei?: bigint;
}

function fail(topic: string | undefined): never {
  throw new Error(`The contract logs an event ${topic} that its ABI does not have.`);
}
