/** OCASC and ASC beside DISSC, for the bench and the tests. */
import {
  AbiCoder,
  concat,
  getCreate2Address,
  type HDNodeWallet,
  Interface,
  keccak256,
  TypedDataEncoder,
  zeroPadValue,
} from 'ethers';
import { ascAbi, ascBytecode } from '../../adapters/ethereum/abi/asc.ts';
import { ocascAbi, ocascBytecode } from '../../adapters/ethereum/abi/ocasc.ts';
import type { DisscChain } from './dissc-chain.ts';

export interface AgreementContracts {
  readonly ocasc: string;
  readonly asc: string;
  readonly ocascDeployGas: number;
  readonly ascDeployGas: number;
}

export const ocascInterface: Interface = new Interface(ocascAbi);
export const ascInterface: Interface = new Interface(ascAbi);

export const MIN_WINDOW_SECONDS = 60;
/** What an answer costs at most (design §12). */
export const ANSWER_GAS = 130_000;

const VOUCHER_TYPES = {
  Voucher: [
    { name: 'agreement', type: 'bytes32' },
    { name: 'due', type: 'uint128' },
  ],
};
const CREATE2_PROXY = '0x4e59b44847b379578588920cA78FbF26c0B4956C';
const SALT = zeroPadValue('0x', 32);

/** Deploys both through the deterministic proxy. */
export async function deployAgreementContracts(chain: DisscChain): Promise<AgreementContracts> {
  const coder = AbiCoder.defaultAbiCoder();
  const ocascArguments = coder.encode(['address', 'uint32', 'uint256'], [chain.dissc, MIN_WINDOW_SECONDS, ANSWER_GAS]);
  const ocasc = await deploy(chain, concat([ocascBytecode, ocascArguments]));
  const asc = await deploy(chain, concat([ascBytecode, coder.encode(['address'], [chain.dissc])]));
  return { ocasc: ocasc.address, asc: asc.address, ocascDeployGas: ocasc.gas, ascDeployGas: asc.gas };
}

/** A consumer's word that so much is due. */
export function signVoucher(
  { chainId }: DisscChain,
  ocasc: string,
  signer: HDNodeWallet,
  agreement: string,
  due: bigint,
): string {
  const domain = { name: 'Plumbline OCASC', version: '1', chainId, verifyingContract: ocasc };
  return signer.signingKey.sign(TypedDataEncoder.hash(domain, VOUCHER_TYPES, { agreement, due })).serialized;
}

async function deploy(chain: DisscChain, initCode: string): Promise<{ address: string; gas: number }> {
  const { gas } = await chain.send(CREATE2_PROXY, concat([SALT, initCode]));
  return { address: getCreate2Address(CREATE2_PROXY, SALT, keccak256(initCode)), gas };
}
