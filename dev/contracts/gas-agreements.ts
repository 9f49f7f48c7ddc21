/** What OCASC and ASC cost, call by call. */
import { encodeBytes32String, id, TypedDataEncoder, ZeroAddress } from 'ethers';
import type { CallOptions, Deployed, GasChain } from './gas-chain.ts';
import type { DisscGas, Figures } from './gas-dissc.ts';
import { type GrowingLog, growLog, hashNode, subtreeSizes } from './growing-log.ts';
import { makeSoldBlock, plantFirst, recordHash, type SoldBlock, showChunk, showKey } from './sold-block.ts';

interface Sale {
  readonly log: GrowingLog;
  readonly block: SoldBlock;
  readonly path: readonly Buffer[];
}

const MIN_WINDOW_SECONDS = 60;
const ANSWER_GAS = 122_000;
const DEMAND_GAS = 80_000;
const LOG_BLOCKS = 1_000_000;
const BLOCKS_FOR_SALE = 256;
const SOLD_BLOCK_BYTES = 1 << 20;
const PRICE_WEI = 5n * 10n ** 17n;
const BOND_WEI = 7n * 10n ** 17n;
const FEE_WEI = 10n ** 16n;
/** Far above what an answer costs, so that it does not depend on the base fee. */
const STAKE_WEI = 10n ** 18n;
const PER_RECORD_WEI = 10n ** 12n;
const FUEL_WEI = 10n ** 16n;
const DURATION_SECONDS = 86_400;
/** Far away, so that no figure depends on when it is measured. */
const FAR_SECONDS = 4_102_444_800;
const YEAR_SECONDS = 31_536_000;
/** The chain's time for grants, whose end, and so whose ids, are bound to it. */
const GRANTS_FROM_SECONDS = 3_000_000_000;
const ENCRYPTION_KEY = id('an X25519 key');
const SOLD = 'sold';
const RELAYED = 'relayed';
const VOUCHER_TYPES = {
  Voucher: [
    { name: 'agreement', type: 'bytes32' },
    { name: 'due', type: 'uint128' },
  ],
};

export class AgreementsGas implements Figures {
  readonly gas: Record<string, number> = {};
  readonly goals: Record<string, number> = {};
  readonly #chain: GasChain;
  readonly #dissc: DisscGas;
  readonly #ocasc: Deployed;
  readonly #asc: Deployed;

  constructor(chain: GasChain, dissc: DisscGas, ocasc: Deployed, asc: Deployed) {
    this.#chain = chain;
    this.#dissc = dissc;
    this.#ocasc = ocasc;
    this.#asc = asc;
  }

  static async deploy(chain: GasChain, dissc: DisscGas): Promise<AgreementsGas> {
    const types = ['address', 'uint32', 'uint256', 'uint256'];
    const values = [dissc.address, MIN_WINDOW_SECONDS, ANSWER_GAS, DEMAND_GAS];
    const ocasc = await chain.deploy('OCASC', types, values);
    return new AgreementsGas(chain, dissc, ocasc, await chain.deploy('ASC', ['address'], [dissc.address]));
  }

  async measure(): Promise<void> {
    this.gas['OCASC: deploy'] = this.#ocasc.gas;
    const sale = await this.#recordSale();
    await this.#measureCancel(sale);
    await this.#measureDelivery(sale);
    await this.#measureBreach(sale);
    this.gas['ASC: deploy'] = this.#asc.gas;
    await this.#measureGrant();
  }

  /** A log whose block 0 has bytes. */
  async #recordSale(): Promise<Sale> {
    const log = await this.#dissc.openLog(SOLD, 0);
    const block = makeSoldBlock(log, 0, SOLD_BLOCK_BYTES);
    const { root, path } = plantFirst(recordHash(block), subtreeSizes(0, LOG_BLOCKS)[0]!);
    await this.#dissc.record([growLog(this.#dissc.domain, log, LOG_BLOCKS, [root])]);
    const rest = log.peaks
      .slice(1)
      .map(({ hash }) => hash)
      .reduceRight((right, left) => hashNode(left, right));
    return { log, block, path: [...path, rest] };
  }

  async #measureCancel(sale: Sale): Promise<void> {
    const { agreement, gas } = await this.#offer(sale);
    this.gas['OCASC: offer'] = gas;
    this.gas['OCASC: cancel'] = await this.#act('cancel', [agreement]);
    this.gas['OCASC: withdraw'] = await this.#withdraw();
  }

  async #measureDelivery(sale: Sale): Promise<void> {
    const { agreement } = await this.#offer(sale);
    this.gas['OCASC: accept'] = await this.#accept(agreement);
    this.gas['OCASC: claim'] = await this.#claim(agreement, PRICE_WEI / 2n);
    this.gas['OCASC: challenge'] = await this.#challenge(agreement);
    const answer = showChunk(sale.block, 511, sale.path);
    const shown = 'OCASC: respond with a chunk, 1 MiB block, log of 1,000,000';
    this.gas[shown] = await this.#act('respond', [agreement, answer]);
    this.goals[shown] = ANSWER_GAS;
    // The owner's credit is a new slot again
    await this.#withdraw();
    this.gas['OCASC: demandKey'] = await this.#demand(agreement);
    const key = 'OCASC: respond with a key, log of 1,000,000';
    this.gas[key] = await this.#act('respond', [agreement, showKey(sale.block, sale.path)]);
    this.goals[key] = DEMAND_GAS;
    this.gas['OCASC: approve'] = await this.#act('approve', [agreement], { from: this.#consumer });

    const second = await this.#offer(sale);
    await this.#accept(second.agreement);
    this.gas['OCASC: quit'] = await this.#act('quit', [second.agreement], { from: this.#consumer });
    this.gas['OCASC: close'] = await this.#act('close', [second.agreement]);
  }

  async #measureBreach(sale: Sale): Promise<void> {
    const { agreement } = await this.#offer(sale);
    await this.#accept(agreement);
    await this.#challenge(agreement);
    await this.#chain.provider.send('evm_increaseTime', [MIN_WINDOW_SECONDS + 1]);
    this.gas['OCASC: lapse'] = await this.#act('lapse', [agreement]);
    await this.#chain.provider.send('evm_increaseTime', [MIN_WINDOW_SECONDS / 4 + 1]);
    this.gas['OCASC: breach'] = await this.#act('breach', [agreement]);
  }

  async #measureGrant(): Promise<void> {
    const log = await this.#dissc.openLog(RELAYED, LOG_BLOCKS);
    await this.#chain.provider.send('evm_setNextBlockTimestamp', [GRANTS_FROM_SECONDS]);
    const terms = {
      dataset: log.dataset,
      css: this.#consumer.address,
      perRecord: PER_RECORD_WEI,
      first: 0,
      count: 2n ** 63n,
      kinds: 3,
      maxBlocks: 500,
      window: 3600,
      interval: 0,
      until: GRANTS_FROM_SECONDS + YEAR_SECONDS,
    };
    const args = [encodeBytes32String(RELAYED), 0, terms];
    const { gas, logs } = await this.#chain.call(this.#asc, 'authorise', args);
    const grant = logs[0]!.topics[1]!;
    this.gas['ASC: authorise'] = gas;
    const act = async (method: string, rest: readonly unknown[], options?: CallOptions) =>
      (await this.#chain.call(this.#asc, method, rest, options)).gas;
    this.gas['ASC: accept'] = await act('accept', [grant], { from: this.#consumer });
    this.gas['ASC: fund'] = await act('fund', [grant], { valueWei: FUEL_WEI });
    const relay = async () => {
      // In another second than the one before, whatever the machine's pace: the time of the last payment is written
      await this.#chain.provider.send('evm_increaseTime', [60]);
      return act('relay', [[grant], [], [growLog(this.#dissc.domain, log, 1024)]]);
    };
    this.gas['ASC: relay the first record, log of 1,000,000'] = await relay();
    this.gas['ASC: relay another'] = await relay();
    this.gas['ASC: withdraw'] = await act('withdraw', [this.#consumer.address], { from: this.#consumer });
    this.gas['ASC: revoke'] = await act('revoke', [grant]);
    await this.#chain.provider.send('evm_increaseTime', [3601]);
    this.gas['ASC: end'] = await act('end', [grant]);
  }

  async #offer(sale: Sale): Promise<{ agreement: string; gas: number }> {
    const terms = {
      dataset: sale.log.dataset,
      first: 0,
      count: BLOCKS_FOR_SALE,
      token: ZeroAddress,
      price: PRICE_WEI,
      fee: FEE_WEI,
      bond: BOND_WEI,
      stake: STAKE_WEI,
      maxChallenges: 16,
      maxDemands: 16,
      samples: 5,
      previews: 2,
      window: MIN_WINDOW_SECONDS,
      duration: DURATION_SECONDS,
      acceptBy: FAR_SECONDS,
      consumer: ZeroAddress,
    };
    const agent = this.#chain.accounts[2]!.address;
    const args = [encodeBytes32String(SOLD), 0, terms, agent, ENCRYPTION_KEY];
    const { gas, logs } = await this.#chain.call(this.#ocasc, 'offer', args, { valueWei: BOND_WEI });
    return { agreement: logs[0]!.topics[1]!, gas };
  }

  #accept(agreement: string): Promise<number> {
    const args = [agreement, this.#consumer.address, ENCRYPTION_KEY];
    return this.#act('accept', args, { from: this.#consumer, valueWei: PRICE_WEI });
  }

  #claim(agreement: string, due: bigint): Promise<number> {
    const { chainId } = this.#chain;
    const domain = { name: 'Plumbline OCASC', version: '2', chainId, verifyingContract: this.#ocasc.address };
    const digest = TypedDataEncoder.hash(domain, VOUCHER_TYPES, { agreement, due });
    return this.#act('claim', [agreement, due, this.#consumer.signingKey.sign(digest).serialized]);
  }

  #challenge(agreement: string): Promise<number> {
    return this.#act('challenge', [agreement, 0, 511], { from: this.#consumer, valueWei: STAKE_WEI });
  }

  /** At a base fee that lets the stake be exact. */
  async #demand(agreement: string): Promise<number> {
    await this.#chain.setBaseFee(10n ** 9n);
    const valueWei = BigInt(DEMAND_GAS) * 10n ** 9n;
    return this.#act('demandKey', [agreement, 0], { from: this.#consumer, valueWei });
  }

  #withdraw(): Promise<number> {
    return this.#act('withdraw', [ZeroAddress, this.#chain.accounts[0]!.address]);
  }

  async #act(method: string, args: readonly unknown[], options?: CallOptions): Promise<number> {
    return (await this.#chain.call(this.#ocasc, method, args, options)).gas;
  }

  get #consumer() {
    return this.#chain.accounts[1]!;
  }
}
