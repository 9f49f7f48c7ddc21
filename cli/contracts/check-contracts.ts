import { deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { type CodeDifference, compareCode } from '../../adapters/ethereum/deployable-code.ts';
import { codeStateAt } from '../../adapters/ethereum/find-deployment-block.ts';
import type { JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { data, parseAnswer } from '../../adapters/ethereum/parse-answers.ts';
import { fromHex } from '../../core/bytes.ts';
import { address } from '../../core/ids.ts';
import type { DeploymentsFile } from '../../core/wire/deployments-file.ts';
import { CONTRACTS, type ContractName, deployablesOf } from './deployables.ts';

/** What one contract of the file is on the chain. */
export interface ContractCheck {
  readonly name: ContractName;
  readonly address: string;
  /** Null when the code is what this version deploys, immutables included, and where it deploys it. */
  readonly difference: CodeDifference | null;
  /** `wrong`: it was deployed in another block than the file says; `unknown`: the node keeps no state that old. */
  readonly block: 'right' | 'wrong' | 'unknown';
}

/** Compares the code at each address of the file with what this version deploys with the file's arguments. */
export async function checkContracts(
  rpc: JsonRpc,
  { chainId, contracts }: DeploymentsFile,
  signal?: AbortSignal,
): Promise<ContractCheck[]> {
  const { minWindowSeconds, answerGas, demandGas } = contracts.OCASC.args;
  const deployables = deployablesOf({ minWindowSeconds, answerGas, demandGas });
  const codes = await rpc.callMany(
    CONTRACTS.map((name) => ({ method: 'eth_getCode', params: [contracts[name].address, 'latest'] })),
    signal,
  );
  const checks: ContractCheck[] = [];
  for (const [i, name] of CONTRACTS.entries()) {
    const { address: at, block } = contracts[name];
    const code = fromHex(parseAnswer(data, 'eth_getCode', codes[i]).slice(2), 'code');
    // The address counts too: it follows from the creation code, and other creation code may leave the same runtime code
    // behind with other things in its storage.
    const difference =
      compareCode(deployables[name], address(at), chainId, code) ??
      compareAddress(deployedAddress(deployables[name]), at);
    checks.push({ name, address: at, difference, block: await checkBlock(rpc, at, block, signal) });
  }
  return checks;
}

function compareAddress(expected: string, actual: string): CodeDifference | null {
  return expected === actual ? null : { what: 'address', expected, actual };
}

async function checkBlock(
  rpc: JsonRpc,
  at: string,
  block: number,
  signal?: AbortSignal,
): Promise<ContractCheck['block']> {
  const there = await codeStateAt(rpc, address(at), block, signal);
  const before = block === 0 ? 'none' : await codeStateAt(rpc, address(at), block - 1, signal);
  if (there === 'none' || before === 'code') return 'wrong';
  return there === 'code' && before === 'none' ? 'right' : 'unknown';
}
