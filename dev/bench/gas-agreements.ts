/** What OCASC and ASC cost, action by action: the part of `dev/bench/gas.ts` that is about money. */
import { id, ZeroAddress } from 'ethers';
import {
  type AgreementContracts,
  ascInterface,
  deployAgreementContracts,
  MIN_WINDOW_SECONDS,
  ocascInterface,
  signVoucher,
} from './agreement-chain.ts';
import { type DisscChain, disscInterface, type SendOptions } from './dissc-chain.ts';
import { type DisscUpdate, type Log, makeUpdate, makeUpdateOf } from './dissc-log.ts';
import type { GasFigure } from './gas-figure.ts';
import { makeSoldBatch, type SoldBatch } from './sold-batch.ts';

/** Opens datasets, each of a device of its own. */
export type OpenLogs = (count: number, name: string) => Promise<readonly Log[]>;

interface Sale {
  readonly chain: DisscChain;
  readonly ocasc: string;
  readonly log: Log;
  readonly sold: SoldBatch;
}

const PRICE_WEI = 5n * 10n ** 17n;
const BOND_WEI = 7n * 10n ** 17n;
const FEE_WEI = 10n ** 16n;
/** Far above what an answer costs, so that it does not depend on the base fee. */
const STAKE_WEI = 10n ** 18n;
const PER_BATCH_WEI = 10n ** 12n;
const FUEL_WEI = 10n ** 16n;
const DURATION_SECONDS = 86_400;
/** Far away, so that no figure depends on when it is measured. */
const FAR_SECONDS = 4_102_444_800;
const YEAR_SECONDS = 31_536_000;
/** The chain's time for grants, whose end, and so whose ids, are bound to it. */
const GRANTS_FROM_SECONDS = 3_000_000_000;
const ENCRYPTION_KEY = id('an X25519 key');
const ANSWER_GOAL_GAS = 130_000;
const LONG_LOG_BATCHES = 65_536;
const BATCHES_PER_TRANSACTION = 1024;

/** Measures every action on contracts of its own. */
export async function measureAgreements(chain: DisscChain, open: OpenLogs): Promise<Record<string, GasFigure>> {
  const contracts = await deployAgreementContracts(chain);
  const [sold, long] = await open(2, 'sold');
  return {
    'OCASC: deploy': { gas: contracts.ocascDeployGas },
    ...(await measureSale(chain, contracts, sold!)),
    ...(await measureLargestAnswer(chain, contracts, long!)),
    'ASC: deploy': { gas: contracts.ascDeployGas },
    ...(await measureGrant(chain, contracts, open)),
  };
}

async function measureSale(chain: DisscChain, { ocasc }: AgreementContracts, log: Log) {
  const sold = makeSoldBatch(log, Array<number>(256).fill(2 ** 16));
  await record(chain, [makeUpdateOf(chain, log, [sold.batch])]);
  const sale = { chain, ocasc, log, sold };
  const figures: Record<string, GasFigure> = {};

  const idle = await offer(sale);
  figures['OCASC: offer'] = { gas: idle.gas };
  figures['OCASC: cancel'] = await act(sale, 'cancel', [idle.agreement]);

  const { agreement } = await offer(sale);
  figures['OCASC: accept'] = await accept(sale, agreement);
  figures['OCASC: claim'] = await claim(sale, agreement, 2n * FEE_WEI);
  figures['OCASC: challenge'] = await challenge(sale, agreement, 100, 17);
  figures['OCASC: respond, 64 KiB block, batch of 256, log of 1'] = await respond(sale, agreement, 100, 17);
  figures['OCASC: approve'] = await act(sale, 'approve', [agreement], { from: chain.consumer });

  const second = await offer(sale);
  await accept(sale, second.agreement);
  figures['OCASC: quit'] = await act(sale, 'quit', [second.agreement], { from: chain.consumer });
  figures['OCASC: close'] = await act(sale, 'close', [second.agreement]);

  const third = await offer(sale);
  await accept(sale, third.agreement);
  await challenge(sale, third.agreement, 0, 0);
  await chain.provider.send('evm_increaseTime', [MIN_WINDOW_SECONDS + 1]);
  figures['OCASC: breach'] = await act(sale, 'breach', [third.agreement]);
  figures['OCASC: withdraw'] = await act(sale, 'withdraw', [ZeroAddress, chain.owner.address]);
  return figures;
}

/** Design §12: an answer with a chunk of a 1 MiB block, in a batch of 1,024, in a log of 65,536 batches. */
async function measureLargestAnswer(chain: DisscChain, { ocasc }: AgreementContracts, log: Log) {
  await grow(chain, log, LONG_LOG_BATCHES / 2);
  const sold = makeSoldBatch(log, [2 ** 20, ...Array<number>(1023).fill(1)]);
  await record(chain, [makeUpdateOf(chain, log, [sold.batch])]);
  await grow(chain, log, LONG_LOG_BATCHES);
  const sale = { chain, ocasc, log, sold };
  const { agreement } = await offer(sale);
  await accept(sale, agreement);
  await challenge(sale, agreement, 0, 511);
  const { gas } = await respond(sale, agreement, 0, 511);
  return { 'OCASC: respond, 1 MiB block, batch of 1,024, log of 65,536': { gas, goal: ANSWER_GOAL_GAS } };
}

async function measureGrant(chain: DisscChain, { asc }: AgreementContracts, open: OpenLogs) {
  const figures: Record<string, GasFigure> = {};
  const send = async (name: string, values: readonly unknown[], options?: SendOptions) =>
    chain.send(asc, ascInterface.encodeFunctionData(name, values), options);
  const call = async (name: string, values: readonly unknown[], options?: SendOptions) => ({
    gas: (await send(name, values, options)).gas,
  });
  const authorise = async (log: Log) => {
    const { gas, logs } = await send('authorise', [grantTerms(chain, log)]);
    return { gas, grant: logs[0]!.topics[1]! };
  };

  const logs = await open(50, 'granted');
  await chain.provider.send('evm_setNextBlockTimestamp', [GRANTS_FROM_SECONDS]);
  const dropped = await authorise(logs[0]!);
  figures['ASC: authorise'] = { gas: dropped.gas };
  figures['ASC: drop'] = await call('drop', [dropped.grant]);

  const grants: string[] = [];
  for (const log of logs) {
    const { grant } = await authorise(log);
    grants.push(grant);
    figures['ASC: accept'] = await call('accept', [grant], { from: chain.consumer });
    figures['ASC: fund'] = await call('fund', [grant], { valueWei: FUEL_WEI });
  }
  await record(
    chain,
    logs.map((log) => makeUpdate(chain, log, 10, 1, false)),
  );

  const one = makeUpdate(chain, logs[0]!, 1, 1024, false);
  figures['ASC: relay, 1 batch of 1,024, the first to be paid'] = await call('relay', [[grants[0]], [one]]);
  const next = makeUpdate(chain, logs[0]!, 1, 1024, false);
  figures['ASC: relay, 1 batch of 1,024'] = perBlock(await call('relay', [[grants[0]], [next]]), 1024);
  const all = logs.map((log) => makeUpdate(chain, log, 1, 256, false));
  figures['ASC: relay, 50 datasets x 1 batch of 256'] = perBlock(await call('relay', [grants, all]), 50 * 256);

  figures['ASC: revoke'] = await call('revoke', [grants[0]]);
  figures['ASC: end'] = await call('end', [grants[0]]);
  figures['ASC: withdraw'] = await call('withdraw', [chain.consumer.address], { from: chain.consumer });
  return figures;
}

function grantTerms(chain: DisscChain, log: Log): object {
  return {
    dataset: log.dataset,
    css: chain.consumer.address,
    first: 0,
    count: 2n ** 63n,
    kinds: 3,
    maxBlocks: 4096,
    perBatch: PER_BATCH_WEI,
    window: 0,
    until: GRANTS_FROM_SECONDS + YEAR_SECONDS,
  };
}

async function offer({ chain, ocasc, log, sold }: Sale): Promise<{ gas: number; agreement: string }> {
  const terms = {
    dataset: log.dataset,
    first: sold.first,
    count: sold.batch.count,
    token: ZeroAddress,
    price: PRICE_WEI,
    fee: FEE_WEI,
    bond: BOND_WEI,
    stake: STAKE_WEI,
    maxChallenges: 10,
    samples: 460,
    window: MIN_WINDOW_SECONDS,
    duration: DURATION_SECONDS,
    acceptBy: FAR_SECONDS,
    consumer: ZeroAddress,
  };
  const data = ocascInterface.encodeFunctionData('offer', [terms, chain.owner.address, ENCRYPTION_KEY]);
  const { gas, logs } = await chain.send(ocasc, data, { valueWei: BOND_WEI });
  return { gas, agreement: logs[0]!.topics[1]! };
}

function accept(sale: Sale, agreement: string): Promise<GasFigure> {
  const { consumer } = sale.chain;
  return act(sale, 'accept', [agreement, consumer.address, ENCRYPTION_KEY], { from: consumer, valueWei: PRICE_WEI });
}

function claim(sale: Sale, agreement: string, due: bigint): Promise<GasFigure> {
  const voucher = signVoucher(sale.chain, sale.ocasc, sale.chain.consumer, agreement, due);
  return act(sale, 'claim', [agreement, due, voucher]);
}

function challenge(sale: Sale, agreement: string, inBatch: number, seed: number): Promise<GasFigure> {
  const { chain, sold } = sale;
  const options = { from: chain.consumer, valueWei: STAKE_WEI };
  return act(sale, 'challenge', [agreement, sold.first + inBatch, seed], options);
}

function respond(sale: Sale, agreement: string, inBatch: number, seed: number): Promise<GasFigure> {
  const { log, sold } = sale;
  return act(sale, 'respond', [agreement, sold.answer(log, sold.first + inBatch, seed)]);
}

async function act(
  { chain, ocasc }: Sale,
  name: string,
  values: readonly unknown[],
  options?: SendOptions,
): Promise<GasFigure> {
  return { gas: (await chain.send(ocasc, ocascInterface.encodeFunctionData(name, values), options)).gas };
}

/** Lets a log grow to `length` batches of one block. */
async function grow(chain: DisscChain, log: Log, length: number): Promise<void> {
  while (log.batches < length) {
    const some = Math.min(BATCHES_PER_TRANSACTION, length - log.batches);
    await record(chain, [makeUpdate(chain, log, some, 1, false)]);
  }
}

async function record(chain: DisscChain, updates: readonly DisscUpdate[]): Promise<void> {
  const { logs } = await chain.send(chain.dissc, disscInterface.encodeFunctionData('record', [updates]));
  const topic = disscInterface.getEvent('Recorded')!.topicHash;
  const recorded = logs.filter(({ topics }) => topics[0] === topic).length;
  if (recorded !== updates.length) throw new Error(`${recorded} of ${updates.length} updates were accepted.`);
}

function perBlock({ gas }: GasFigure, blocks: number): GasFigure {
  return { gas, blocks, gasPerBlock: Number((gas / blocks).toFixed(2)) };
}
