/**
 * What DISSC costs, as gas of whole transactions (21,000 and calldata included), measured on anvil.
 *
 *     node bench/gas.ts [--json]
 *
 * Every input comes from a counter hashed, and signatures are deterministic, so the figures are exact and repeatable.
 * `contracts/gas.json` keeps them and `scripts/contracts/check-gas.ts` compares. The goals are those of design §12.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  concat,
  HDNodeWallet,
  Interface,
  id,
  JsonRpcProvider,
  keccak256,
  type TransactionReceipt,
  TypedDataEncoder,
  toBeHex,
  zeroPadValue,
} from 'ethers';
import { disscAbi, disscBytecode } from '../adapters/ethereum/abi/dissc.ts';

export interface GasFigure {
  /** Gas of the whole transaction. */
  readonly gas: number;
  /** Blocks it records, when it records any. */
  readonly blocks?: number;
  readonly gasPerBlock?: number;
  /** The most a block may cost (design §12). */
  readonly goalPerBlock?: number;
}

const ANVIL = fileURLToPath(new URL('../node_modules/.bin/anvil', import.meta.url));
const ANVIL_START_TIMEOUT_MS = 20_000;
const RECEIPT_TIMEOUT_MS = 30_000;
const RECEIPT_POLL_MS = 5;
const CREATE2_PROXY = '0x4e59b44847b379578588920cA78FbF26c0B4956C';
const DEVELOPMENT_MNEMONIC = 'test test test test test test test test test test test junk';
const MAX_BATCHES_PER_SETUP = 500;
const HEAD_TYPES = {
  Head: [
    { name: 'dataset', type: 'bytes32' },
    { name: 'size', type: 'uint64' },
    { name: 'batches', type: 'uint32' },
    { name: 'root', type: 'bytes32' },
  ],
};

/** Measures every scenario on a chain of its own. */
export async function measureGas(): Promise<Record<string, GasFigure>> {
  const { child, rpcUrl } = await startAnvil();
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
  try {
    return await runScenarios(await prepareChain(provider));
  } finally {
    provider.destroy();
    child.kill('SIGKILL');
  }
}

async function runScenarios(chain: Chain): Promise<Record<string, GasFigure>> {
  const figures: Record<string, GasFigure> = {};
  figures.deploy = { gas: chain.deployGas };

  figures.openDataset = { gas: (await open(chain, 1, 'one')).gas };
  figures['openDatasets of 50'] = { gas: (await open(chain, 50, 'fifty')).gas };

  const [fresh] = (await open(chain, 1, 'fresh')).logs;
  figures['rooted, 1 batch of 1,024, log of 0'] = await measureRecord(chain, [[fresh!, 1, 1024]]);

  const [long] = (await open(chain, 1, 'long')).logs;
  await grow(chain, [long!], 1000);
  figures['rooted, 1 batch of 1,024, log of 1,000'] = await measureRecord(chain, [[long!, 1, 1024]], 58);

  for (const [count, goal] of [
    [256, 14],
    [1024, 3.5],
  ] as const) {
    for (const length of [0, 1000]) {
      const [log] = (await open(chain, 1, `sixty ${count} ${length}`)).logs;
      await grow(chain, [log!], length);
      const name = `rooted, 60 batches of ${figure(count)} under one signature, log of ${figure(length)}`;
      figures[name] = await measureRecord(chain, [[log!, 60, count]], goal);
    }
  }

  const fleet = (await open(chain, 50, 'fleet')).logs;
  await grow(chain, fleet, 100);
  figures['rooted, 50 datasets x 1 batch of 256, logs of 100'] = await measureRecord(
    chain,
    fleet.map((log) => [log, 1, 256] as const),
    125,
  );

  for (const length of [0, 1000]) {
    const [log] = (await open(chain, 1, `published ${length}`)).logs;
    await grow(chain, [log!], length);
    const name = `published, 1 batch of 1,024, log of ${figure(length)}`;
    figures[name] = await measureRecord(chain, [[log!, 1, 1024]], 1320, true);
  }
  return figures;
}

// ---------------------------------------------------------------------------------------------------------- the chain

interface Chain {
  readonly provider: JsonRpcProvider;
  readonly chainId: number;
  readonly dissc: string;
  readonly owner: HDNodeWallet;
  readonly deployGas: number;
}

const dissc = new Interface(disscAbi);

/** anvil on a port of its own choosing. */
async function startAnvil(): Promise<{ child: ChildProcess; rpcUrl: string }> {
  const child = spawn(ANVIL, ['--host', '127.0.0.1', '--port', '0', '--hardfork', 'osaka', '--chain-id', '31337'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const rpcUrl = await new Promise<string>((resolve, reject) => {
    const timer = globalThis.setTimeout(
      () => reject(new Error(`anvil said nothing for ${ANVIL_START_TIMEOUT_MS} ms.`)),
      ANVIL_START_TIMEOUT_MS,
    );
    let said = '';
    child.stdout!.on('data', (data: Buffer) => {
      said += data.toString();
      const address = /Listening on (127\.0\.0\.1:\d+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(`http://${address}`);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`anvil ended with code ${code} before it was ready.`)));
  });
  return { child, rpcUrl };
}

/** Deploys DISSC through the deterministic proxy, which anvil brings along. */
async function prepareChain(provider: JsonRpcProvider): Promise<Chain> {
  const owner = HDNodeWallet.fromPhrase(DEVELOPMENT_MNEMONIC).connect(provider);
  const salt = zeroPadValue('0x', 32);
  const deployed = await send(provider, owner, CREATE2_PROXY, concat([salt, disscBytecode]));
  const address = keccak256(concat(['0xff', CREATE2_PROXY, salt, keccak256(disscBytecode)]));
  return {
    provider,
    chainId: 31337,
    dissc: `0x${address.slice(26)}`,
    owner,
    deployGas: deployed.gas,
  };
}

async function send(provider: JsonRpcProvider, from: HDNodeWallet, to: string, data: string) {
  const sent = await from.sendTransaction({ to, data, gasLimit: 16_777_216 });
  const receipt = await waitForReceipt(provider, sent.hash);
  if (receipt.status !== 1) throw new Error(`A transaction to ${to} with ${data.length / 2 - 1} bytes failed.`);
  return { gas: Number(receipt.gasUsed), logs: receipt.logs };
}

/** anvil mines on arrival, so the receipt is there at once or a moment later. */
async function waitForReceipt(provider: JsonRpcProvider, hash: string): Promise<TransactionReceipt> {
  const deadline = performance.now() + RECEIPT_TIMEOUT_MS;
  for (;;) {
    const receipt = await provider.getTransactionReceipt(hash);
    if (receipt !== null) return receipt;
    if (performance.now() > deadline) throw new Error(`No receipt of ${hash} within ${RECEIPT_TIMEOUT_MS} ms.`);
    await setTimeout(RECEIPT_POLL_MS);
  }
}

// -------------------------------------------------------------------------------------------------------- the datasets

interface Log {
  readonly dataset: string;
  readonly device: HDNodeWallet;
  size: number;
  batches: number;
  /** One of RFC 9162's perfect subtrees for each bit set in `batches`, the largest first. */
  peaks: { leaves: number; hash: Buffer }[];
}

let devices = 0;

async function open(chain: Chain, count: number, name: string): Promise<{ gas: number; logs: Log[] }> {
  const names = Array.from({ length: count }, (_, i) => id(`${name} ${i}`));
  const wallets = names.map(() => HDNodeWallet.fromPhrase(DEVELOPMENT_MNEMONIC, '', `m/44'/60'/${++devices}'/0/0`));
  const addresses = wallets.map((wallet) => wallet.address);
  const data =
    count === 1
      ? dissc.encodeFunctionData('openDataset', [names[0], addresses[0]])
      : dissc.encodeFunctionData('openDatasets', [names, addresses]);
  const receipt = await send(chain.provider, chain.owner, chain.dissc, data);
  const logs = wallets.map((device, i) => ({
    dataset: receipt.logs[i]!.topics[1]!,
    device,
    size: 0,
    batches: 0,
    peaks: [],
  }));
  return { gas: receipt.gas, logs };
}

/** Lets logs grow by many batches of one block, a bounded number of batches a transaction. */
async function grow(chain: Chain, logs: Log[], batches: number): Promise<void> {
  if (batches === 0) return;
  const together = Math.max(1, Math.floor(MAX_BATCHES_PER_SETUP / batches));
  for (let i = 0; i < logs.length; i += together) {
    for (let done = 0; done < batches; done += MAX_BATCHES_PER_SETUP) {
      const some = Math.min(MAX_BATCHES_PER_SETUP, batches - done);
      await measureRecord(
        chain,
        logs.slice(i, i + together).map((log) => [log, some, 1] as const),
      );
    }
  }
}

async function measureRecord(
  chain: Chain,
  what: readonly (readonly [log: Log, batches: number, count: number])[],
  goalPerBlock?: number,
  published = false,
): Promise<GasFigure> {
  const updates = what.map(([log, batches, count]) => makeUpdate(chain, log, batches, count, published));
  const receipt = await send(chain.provider, chain.owner, chain.dissc, dissc.encodeFunctionData('record', [updates]));
  const recorded = receipt.logs.filter((log) => log.topics[0] === dissc.getEvent('Recorded')!.topicHash).length;
  if (recorded !== what.length) throw new Error(`${recorded} of ${what.length} updates were accepted.`);
  const blocks = what.reduce((sum, [, batches, count]) => sum + batches * count, 0);
  const gasPerBlock = Number((receipt.gas / blocks).toFixed(2));
  return { gas: receipt.gas, blocks, gasPerBlock, ...(goalPerBlock === undefined ? {} : { goalPerBlock }) };
}

function makeUpdate(chain: Chain, log: Log, batches: number, count: number, published: boolean) {
  const leaves: Buffer[] = [];
  const sealedDigests: Buffer[] = [];
  for (let i = 0; i < batches; i++) {
    const digests = published ? Buffer.concat(Array.from({ length: count }, nextBytes32)) : Buffer.alloc(0);
    const [salt, batchRoot] = [nextBytes32(), nextBytes32()];
    const count32 = Buffer.from(toBeHex(count, 4).slice(2), 'hex');
    const sealedHash = published ? keccak256(digests) : zeroPadValue('0x', 32);
    leaves.push(Buffer.concat([Buffer.from([published ? 1 : 0]), count32, salt, batchRoot]));
    sealedDigests.push(digests);
    const leaf = concat([log.dataset, toBeHex(log.size, 8), count32, salt, batchRoot, sealedHash]);
    appendPeak(log, sha256(Buffer.from(`00${leaf.slice(2)}`, 'hex')));
    log.size += count;
  }
  return {
    dataset: log.dataset,
    leaves: Buffer.concat(leaves),
    sealedDigests: Buffer.concat(sealedDigests),
    signature: sign(chain, log),
  };
}

function appendPeak(log: Log, leafHash: Buffer): void {
  let peak = { leaves: 1, hash: leafHash };
  while (log.peaks.at(-1)?.leaves === peak.leaves) {
    peak = {
      leaves: peak.leaves * 2,
      hash: sha256(Buffer.concat([Buffer.from([1]), log.peaks.pop()!.hash, peak.hash])),
    };
  }
  log.peaks.push(peak);
  log.batches++;
}

function sign(chain: Chain, log: Log): string {
  const root = log.peaks
    .map(({ hash }) => hash)
    .reduceRight((right, left) => sha256(Buffer.concat([Buffer.from([1]), left, right])));
  const domain = { name: 'Plumbline DISSC', version: '1', chainId: chain.chainId, verifyingContract: chain.dissc };
  const value = { dataset: log.dataset, size: log.size, batches: log.batches, root };
  return log.device.signingKey.sign(TypedDataEncoder.hash(domain, HEAD_TYPES, value)).serialized;
}

let drawn = 0;

/** Bytes that are as good as random and the same in every run. */
function nextBytes32(): Buffer {
  return sha256(Buffer.from(`plumbline gas ${++drawn}`));
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

// ------------------------------------------------------------------------------------------------------------- output

function figure(value: number): string {
  return value.toLocaleString('en-US');
}

function printTable(figures: Record<string, GasFigure>): void {
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  console.log(`${''.padEnd(width)} ${'gas'.padStart(12)} ${'a block'.padStart(10)} ${'goal'.padStart(8)}`);
  for (const [name, { gas, gasPerBlock, goalPerBlock }] of Object.entries(figures)) {
    const missed = goalPerBlock !== undefined && gasPerBlock! > goalPerBlock ? '  MISSED' : '';
    const columns = [
      figure(gas).padStart(12),
      String(gasPerBlock ?? '').padStart(10),
      String(goalPerBlock ?? '').padStart(8),
    ];
    console.log(`${name.padEnd(width)} ${columns.join(' ')}${missed}`);
  }
}

if (import.meta.main) {
  const figures = await measureGas();
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures, null, 2));
  else printTable(figures);
}
