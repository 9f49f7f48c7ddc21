/** What DISSC costs, call by call. */
import { AbiCoder, encodeBytes32String, HDNodeWallet, keccak256, TypedDataEncoder, ZeroAddress } from 'ethers';
import { DEVELOPMENT_MNEMONIC, type Deployed, type GasChain } from './gas-chain.ts';
import { type DisscUpdate, type GrowingLog, growLog, makeGrowingLog, nextBytes32 } from './growing-log.ts';

/** Gas of whole transactions, by what they do; and the most that some of them may cost (specification#figures). */
export interface Figures {
  readonly gas: Record<string, number>;
  readonly goals: Record<string, number>;
}

const LONG_LOG_BLOCKS = 1_024_000;
/** The chain's time when it makes its first round. */
const ROUNDS_FROM_SECONDS = 2_900_000_000;
const STEPS = 1000;
const FLEET = 50;
/** Some second in 2026: serials are times. */
const SERIAL = 1_795_000_000;
const CHARTER_TYPES = {
  Charter: [
    { name: 'name', type: 'bytes32' },
    { name: 'kind', type: 'uint8' },
    { name: 'device', type: 'address' },
    { name: 'anchorer', type: 'address' },
    { name: 'serial', type: 'uint32' },
    { name: 'from', type: 'uint64' },
  ],
};

export class DisscGas implements Figures {
  readonly gas: Record<string, number> = {};
  readonly goals: Record<string, number> = {};
  readonly #chain: GasChain;
  readonly #dissc: Deployed;

  constructor(chain: GasChain, dissc: Deployed) {
    this.#chain = chain;
    this.#dissc = dissc;
  }

  async measure(): Promise<void> {
    this.gas['DISSC: deploy'] = this.#dissc.gas;
    await this.#charters();
    await this.#single();
    await this.#steps('worst of 1,000 steps of 1 to 1,440 batches of 256', 82_000, () => 256 * (1 + (random() % 1440)));
    await this.#steps('worst of 1,000 steps of 1 to 368,640 blocks', 97_000, () => 1 + (random() % 368_640));
    await this.#fleet();
    await this.#others();
  }

  get address(): string {
    return this.#dissc.address;
  }

  /** A dataset with a log of so many blocks. */
  async openLog(name: string, blocks: number): Promise<GrowingLog> {
    const log = this.#newLog(name);
    await this.#chain.call(this.#dissc, 'record', [[this.#charter(log, name, true)], []]);
    if (blocks > 0) await this.record([growLog(this.domain, log, blocks)]);
    return log;
  }

  /** Lets logs grow, by updates that must be accepted. */
  async record(updates: readonly DisscUpdate[], charters: readonly unknown[] = []): Promise<number> {
    const { gas, logs } = await this.#chain.call(this.#dissc, 'record', [charters, updates]);
    const topic = this.#dissc.abi.getEvent('Recorded')!.topicHash;
    const recorded = logs.filter(({ topics }) => topics[0] === topic).length;
    if (recorded !== updates.length) throw new Error(`${recorded} of ${updates.length} updates were accepted.`);
    return gas;
  }

  /** What signatures are bound to. */
  get domain() {
    return { chainId: this.#chain.chainId, dissc: this.#dissc.address };
  }

  async #charters(): Promise<void> {
    for (const [who, byOwner] of [
      ['by others', false],
      ['by the owner', true],
    ] as const) {
      const log = this.#newLog(`charter ${who}`);
      const charter = this.#charter(log, `charter ${who}`, byOwner);
      const options = { from: this.#chain.accounts[byOwner ? 0 : 1]! };
      const { gas } = await this.#chain.call(this.#dissc, 'record', [[charter], []], options);
      this.#note(`DISSC: first charter, ${who}`, gas, 60_000);
    }
    const log = this.#newLog('both');
    const first = growLog(this.domain, log, 1024);
    this.#note(
      'DISSC: first charter and first record',
      await this.record([first], [this.#charter(log, 'both', false)]),
    );
  }

  async #single(): Promise<void> {
    for (const [what, blocks, goal] of [
      ['1 batch of 1,024', 1024, 54_000],
      ['60 batches of 1,024', 60 * 1024, 58_000],
      ['1,440 batches of 256', 1440 * 256, 60_000],
    ] as const) {
      const log = await this.openLog(what, LONG_LOG_BLOCKS);
      const gas = await this.record([growLog(this.domain, log, blocks)]);
      this.#note(`DISSC: record ${what} on 1,024,000 blocks`, gas, goal);
    }
  }

  async #steps(what: string, goal: number, draw: () => number): Promise<void> {
    const log = await this.openLog(what, LONG_LOG_BLOCKS);
    let worst = 0;
    for (let i = 0; i < STEPS; i++) worst = Math.max(worst, await this.record([growLog(this.domain, log, draw())]));
    this.#note(`DISSC: record, ${what}`, worst, goal);
  }

  async #fleet(): Promise<void> {
    const logs: GrowingLog[] = [];
    for (let i = 0; i < FLEET; i++) logs.push(await this.openLog(`fleet ${i}`, 25_600));
    const gas = await this.record(logs.map((log) => growLog(this.domain, log, 256)));
    this.#note('DISSC: record, each of 50 datasets of 25,600 blocks, 256 more', Math.ceil(gas / FLEET), 28_000);
  }

  async #others(): Promise<void> {
    // A round is a hash of its block's time, and so the next call's data: zero bytes in it cost less.
    await this.#chain.provider.send('evm_setNextBlockTimestamp', [ROUNDS_FROM_SECONDS]);
    const first = await this.#chain.call(this.#dissc, 'anchor', [new Uint8Array(32), nextBytes32()]);
    this.#note('DISSC: first round', first.gas);
    const anchorer = this.#chain.accounts[0]!.address;
    const previous = await this.#chain.provider.call({
      to: this.#dissc.address,
      data: this.#dissc.abi.encodeFunctionData('round', [anchorer]),
    });
    const { gas } = await this.#chain.call(this.#dissc, 'anchor', [previous, nextBytes32()]);
    this.#note('DISSC: a round after the first', gas, 30_000);

    const digests = Buffer.concat(Array.from({ length: 1024 }, nextBytes32));
    const args = [nextBytes32(), SERIAL, LONG_LOG_BLOCKS, nextBytes32(), nextBytes32().subarray(0, 16), digests];
    const published = await this.#chain.call(this.#dissc, 'publish', args);
    this.#note('DISSC: publish 1,024', published.gas, 1024 * 1320);
    const objects = Buffer.concat(Array.from({ length: 32 }, nextBytes32));
    const linked = await this.#chain.call(this.#dissc, 'link', [encodeBytes32String('door'), 0, 1024, 1024, objects]);
    this.#note('DISSC: link 1,024 bytes', linked.gas);
  }

  #newLog(name: string): GrowingLog {
    const device = HDNodeWallet.fromPhrase(DEVELOPMENT_MNEMONIC, '', `m/44'/60'/${++devices}'/0/0`);
    const types = ['uint256', 'address', 'address', 'bytes32', 'uint8'];
    const owner = this.#chain.accounts[0]!.address;
    const values = [this.#chain.chainId, this.#dissc.address, owner, encodeName(name), 0];
    return makeGrowingLog(keccak256(AbiCoder.defaultAbiCoder().encode(types, values)), device);
  }

  /** As the owner sends it, without a signature, or as others do. */
  #charter(log: GrowingLog, name: string, byOwner: boolean) {
    const owner = this.#chain.accounts[0]!;
    const message = {
      name: encodeName(name),
      kind: 0,
      device: log.device.address,
      anchorer: ZeroAddress,
      serial: SERIAL,
      from: 0,
    };
    const { chainId, dissc } = this.domain;
    const domain = { name: 'Plumbline DISSC', version: '2', chainId, verifyingContract: dissc };
    const digest = TypedDataEncoder.hash(domain, CHARTER_TYPES, message);
    const signature = byOwner ? '0x' : owner.signingKey.sign(digest).serialized;
    return { owner: owner.address, ...message, signature };
  }

  #note(name: string, gas: number, goal?: number): void {
    this.gas[name] = gas;
    if (goal !== undefined) this.goals[name] = goal;
  }
}

let devices = 0;

function encodeName(name: string): string {
  return encodeBytes32String(name.slice(0, 31));
}

/** As good as random, and the same in every run. */
function random(): number {
  return nextBytes32().readUIntBE(0, 6);
}
