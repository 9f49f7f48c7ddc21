import { deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../adapters/ethereum/deployable-asc.ts';
import { compareCode, type Deployable } from '../../adapters/ethereum/deployable-code.ts';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { data, parseAnswer, quantity } from '../../adapters/ethereum/parse-answers.ts';
import { fromHex } from '../../core/bytes.ts';
import { counted } from '../../core/counted.ts';
import { type Address, NATIVE_COIN } from '../../core/ids.ts';
import type { Connection } from '../../library/connection.ts';
import { showAmount } from '../show-amount.ts';
import { bad, type Finding, ok, warn } from './finding.ts';

/** Gas of one record, a first one with its charter included, by Ethereum's next fork; see contracts/gas.json. */
const RECORD_GAS = 250_000n;
const FEW_RECORDS = 100n;

/** Somebody who sends transactions. */
export interface Sender {
  readonly who: string;
  readonly account: string;
  /** Whether something stands still while it cannot pay. */
  readonly mustPay: boolean;
}

export function openChain({ rpcUrl, chainId }: Connection): JsonRpc {
  return createJsonRpc({ rpcUrl, chainId, patienceMs: 2_000 });
}

/** Whether the node answers, is on the right chain (its adapter refuses another), and knows final blocks. */
export async function lookAtNodeOfChain(connection: Connection, signal: AbortSignal): Promise<readonly Finding[]> {
  const rpc = openChain(connection);
  const latest = parseAnswer(quantity, 'eth_blockNumber', await rpc.call('eth_blockNumber', [], signal));
  const says = `Chain ${connection.chainId} at ${rpc.host}: block ${latest}`;
  if (connection.finalDepth !== undefined) return [ok('chain', `${says}, final ${connection.finalDepth} below it.`)];
  const final = (await rpc.call('eth_getBlockByNumber', ['finalized', false], signal)) as { number?: string } | null;
  if (final?.number === undefined) {
    return [
      bad(
        'chain',
        `${says}; its node does not report a final block.`,
        'Set finalDepth in connection.json (docs/chains.md), or use another node.',
      ),
    ];
  }
  return [ok('chain', `${says}, final ${Number(final.number)}.`)];
}

/** Whether the contracts are those of this version, byte for byte; of OCASC, whose arguments are the operator's, that it is there. */
export async function lookAtContracts(connection: Connection, signal: AbortSignal): Promise<readonly Finding[]> {
  const { chainId, dissc, asc, ocasc } = connection;
  const rpc = openChain(connection);
  const codeAt = async (at: Address) =>
    fromHex(parseAnswer(data, 'eth_getCode', await rpc.call('eth_getCode', [at, 'latest'], signal)).slice(2), 'code');
  const compare = async (name: string, at: Address, deployable: Deployable): Promise<Finding> => {
    const code = await codeAt(at);
    if (code.length === 0) return missing(name, at);
    const difference = compareCode(deployable, at, chainId, code);
    if (difference === null && deployedAddress(deployable) === at)
      return ok(name, `${at} is what this version deploys.`);
    return bad(
      name,
      `${at} is not what this version deploys${difference === null ? '' : ` (${difference.what})`}.`,
      'It is another version or another contract. Use the plumb of that version, or deploy this one: plumb contracts deploy',
    );
  };
  const found = [compare('DISSC', dissc, DISSC)];
  if (asc !== null) found.push(compare('ASC', asc, deployableAsc({ dissc: disscAddress() })));
  if (ocasc !== null) {
    found.push(
      codeAt(ocasc).then((code) =>
        code.length === 0 ? missing('OCASC', ocasc) : ok('OCASC', `A contract is at ${ocasc}.`),
      ),
    );
  }
  return Promise.all(found);
}

function missing(name: string, at: Address): Finding {
  return bad(
    name,
    `There is no code at ${at}.`,
    'Check that this is the right chain; to deploy the contracts: plumb contracts deploy',
  );
}

/** Whether those who send can pay for it. */
export async function lookAtGas(
  connection: Connection,
  senders: readonly Sender[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const rpc = openChain(connection);
  const amount = async (method: string, params: readonly unknown[]) =>
    BigInt((await rpc.call(method, params, signal)) as string);
  const price = await amount('eth_gasPrice', []);
  return Promise.all(
    senders.map(async ({ who, account, mustPay }): Promise<Finding> => {
      const balance = await amount('eth_getBalance', [account, 'latest']);
      const records = balance / (RECORD_GAS * (price > 0n ? price : 1n));
      const says = `The ${who} (${account}) has ${showAmount(balance, NATIVE_COIN)}`;
      if (records >= FEW_RECORDS) return ok('gas', `${says}.`);
      const enough = `${says}: enough for ${counted(Number(records), 'record')} at today's price.`;
      if (!mustPay) return ok('gas', `${enough} Nothing that it pays for is in progress.`);
      return (records === 0n ? bad : warn)('gas', enough, `Send ether to ${account}.`);
    }),
  );
}
