import { ANSWER_GAS, DEMAND_GAS } from '../../adapters/ethereum/deployable-ocasc.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { ocascInterface } from '../../adapters/ethereum/ocasc-interface.ts';
import { RpcRefusedError } from '../../adapters/ethereum/read-rpc-answer.ts';
import type { Address, AgreementId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import {
  callOcasc,
  encodeAgreement,
  NO_SALES,
  type OcascCall,
  type OcascSettings,
  type OcascState,
} from '../../dev/simulate/chain/ocasc-model.ts';
import type { Market } from './ocasc-fixture.ts';

interface RpcBlock {
  readonly number: string;
  readonly timestamp: string;
  readonly baseFeePerGas: string;
  readonly transactions: readonly { from: string; to: string | null; input: string; value: string; hash: string }[];
}
interface RpcReceipt {
  readonly status: string;
  readonly logs: readonly { readonly address: string; readonly topics: readonly string[]; readonly data: string }[];
}

/** What the model of OCASC makes of every call that a chain has seen, beside what the contract has made of it. */
export interface Played {
  readonly calls: readonly { readonly name: string; readonly modelled: Outcome; readonly real: Outcome }[];
  /** As the view of that name answers them in the end. */
  readonly agreements: readonly { readonly modelled: string; readonly real: string }[];
  /** First four bytes of the error with which a call is refused in the end; null where it is not. */
  readonly refusals: readonly {
    readonly call: string;
    readonly modelled: string | null;
    readonly real: string | null;
  }[];
}
interface Outcome {
  readonly ok: boolean;
  readonly logs: readonly { readonly topics: readonly string[]; readonly data: string }[];
}

const WITH_ID = ['cancel', 'lapse', 'breach', 'approve', 'quit', 'close'] as const;

export async function playOnModel(market: Market, minWindowSeconds: number): Promise<Played> {
  const { rpc, ocasc, chain, dissc, dataset } = market;
  const settings: OcascSettings = {
    domain: { chainId: chain.chainId, ocasc },
    ...{ minWindowSeconds, answerGas: BigInt(ANSWER_GAS), demandGas: BigInt(DEMAND_GAS) },
  };
  const { heads } = await createDisscLedger({ ...chain, dissc }).readHeads([dataset], 'latest');
  const headOf = (): Head => heads[0] as Head;
  const newest = Number(await rpc.call('eth_blockNumber', []));
  let state: OcascState = NO_SALES;
  const calls: Played['calls'][number][] = [];
  let last: Pick<OcascCall, 'timestampSeconds' | 'baseFeeWei'> = { timestampSeconds: 0, baseFeeWei: 0n };
  for (let number = 1; number <= newest; number++) {
    const block = (await rpc.call('eth_getBlockByNumber', [`0x${number.toString(16)}`, true])) as RpcBlock;
    last = { timestampSeconds: Number(block.timestamp), baseFeeWei: BigInt(block.baseFeePerGas) };
    for (const { from, to, input, value, hash } of block.transactions) {
      const parsed = to === ocasc ? ocascInterface.parseTransaction({ data: input, value }) : null;
      if (parsed === null) continue;
      const { name, args } = parsed;
      const outcome = callOcasc(settings, state, {
        ...{ name, args, sender: from as Address, valueWei: BigInt(value), ...last, headOf },
      });
      const { status, logs } = (await rpc.call('eth_getTransactionReceipt', [hash])) as RpcReceipt;
      const ours = logs.filter(({ address }) => address === ocasc).map(({ topics, data }) => ({ topics, data }));
      const isRefused = 'reverted' in outcome;
      calls.push({
        name,
        modelled: { ok: !isRefused, logs: isRefused ? [] : outcome.logs },
        real: { ok: status === '0x1', logs: ours },
      });
      if (!isRefused) state = outcome.state;
    }
  }
  const agreements: Played['agreements'][number][] = [];
  const refusals: Played['refusals'][number][] = [];
  for (const [id, agreement] of state.agreements) {
    const view = ocascInterface.encodeFunctionData('agreement', [id]);
    const real = String(await rpc.call('eth_call', [{ to: ocasc, data: view }, 'latest']));
    agreements.push({ modelled: encodeAgreement(agreement), real });
    for (const [call, values] of [
      ...WITH_ID.map((name) => [name, [id]] as const),
      ['claim', [id, agreement.due, `0x${'00'.repeat(65)}`]] as const,
      ['challenge', [id, 0, 1]] as const,
    ]) {
      const sender = agreement.owner;
      const data = ocascInterface.encodeFunctionData(call, values);
      const parsed = ocascInterface.parseTransaction({ data });
      const tried = callOcasc(settings, state, {
        ...{ name: call, args: parsed?.args, sender, valueWei: 0n, ...last, headOf },
      });
      const modelled = 'reverted' in tried ? tried.reverted.slice(0, 10) : null;
      refusals.push({
        call: `${call} ${id satisfies AgreementId}`,
        modelled,
        real: await refusalOf(market, sender, data),
      });
    }
  }
  return { calls, agreements, refusals };
}

async function refusalOf({ rpc, ocasc }: Market, from: Address, data: string): Promise<string | null> {
  try {
    await rpc.call('eth_call', [{ from, to: ocasc, data }, 'latest']);
    return null;
  } catch (error) {
    if (error instanceof RpcRefusedError && error.data !== null) return error.data.slice(0, 10);
    throw error;
  }
}
