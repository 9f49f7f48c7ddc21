/**
 * How much longer an owner's prove-chunks takes while 64 clients who have signed nothing ask the same local host as fast as it
 * answers: for records wherever they are, for far blocks of an unknown dataset, for proofs they have no right to. Host, clients
 * and owner are processes of their own.
 *
 *     node dev/bench/strangers.ts [--json]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { signMessage } from '../../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { fromHex, to0x } from '../../core/bytes.ts';
import type { DatasetId, PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type RunningHost, startHost } from '../../local/host/start-host.ts';
import { blocks, DOMAIN, putObject, startStores, TestDevice } from '../../test/functions/start-service.ts';

interface Served {
  readonly apiUrl: string;
  readonly dataset: DatasetId;
  readonly ownerKey: string;
  readonly size: number;
}

type Flood = 'records' | 'far blocks' | 'proofs';

const CLIENTS = 64;
const BATCHES = 40;
const SAMPLE = 460;
const TIMES = 15;
const WARM_UP_MS = 2_000;

const [role, ...parameters] = process.argv.slice(2);
if (role === 'host') await serve();
else if (role === 'clients') flood(JSON.parse(parameters[0] as string), parameters[1] as Flood);
else await measure(process.argv.includes('--json'));

async function serve(): Promise<void> {
  let deliver: RunningHost['deliverS3Event'] | null = null;
  const stores = await startStores(async (event) => deliver?.(event), { table: 'served' });
  const host = await startHost({ ports: stores.ports, lambda: null });
  deliver = host.deliverS3Event;
  const device = await TestDevice.open(stores);
  for (let i = 0; i < BATCHES; i++) {
    const { segment } = device.seal(blocks(Array(256).fill(1_000)));
    await putObject(stores, segment.key, segment.car);
    await stores.s3.drained();
  }
  const { dataset, ownerKey, end } = device;
  process.send?.({ apiUrl: host.apiUrl, dataset, ownerKey: to0x(ownerKey), size: end.size } satisfies Served);
}

function flood({ apiUrl, dataset, size }: Served, kind: Flood): void {
  const post = async (path: string, body: object): Promise<void> => {
    try {
      await (await fetch(`${apiUrl}${path}`, { method: 'POST', body: JSON.stringify(body) })).arrayBuffer();
    } catch {
      // The host has ended.
    }
  };
  const some = (from: number, among: number) => [
    ...new Set(Array.from({ length: 512 }, () => from + Math.floor(Math.random() * among))),
  ];
  const ask: Readonly<Record<Flood, () => Promise<void>>> = {
    records: () => post(`/v1/datasets/${dataset}/records`, { blocks: some(0, size), size }),
    'far blocks': () =>
      post(`/v1/datasets/0x${'ab'.repeat(32)}/records`, { blocks: some(2 ** 40, 2 ** 30), size: 2 ** 41 }),
    proofs: () => post(`/v1/datasets/${dataset}/proofs`, { challenges: [{ index: 1, random: 7 }] }),
  };
  const client = async (): Promise<never> => {
    for (;;) await ask[kind]();
  };
  for (let i = 0; i < CLIENTS; i++) void client();
}

async function measure(isJson: boolean): Promise<void> {
  const host = fork(import.meta.filename, ['host']);
  try {
    const [served] = (await once(host, 'message')) as [Served];
    await medianProofMs(served);
    const aloneMs = await medianProofMs(served);
    const ratios: Partial<Record<Flood, number>> = {};
    for (const kind of ['records', 'far blocks', 'proofs'] as const) {
      const clients = fork(import.meta.filename, ['clients', JSON.stringify(served), kind]);
      try {
        await nodeRuntime.sleep(WARM_UP_MS);
        ratios[kind] = (await medianProofMs(served)) / aloneMs;
      } finally {
        await end(clients);
      }
    }
    const most = Math.max(...Object.values(ratios));
    if (isJson) console.log(JSON.stringify({ aloneMs, ratios, most }));
    else console.log(`alone ${aloneMs.toFixed(0)} ms; with ${CLIENTS} strangers at most ${most.toFixed(1)} times that`);
  } finally {
    await end(host);
  }
}

/** Of 15 audits of 460 blocks, one after the other. */
async function medianProofMs({ apiUrl, dataset, ownerKey, size }: Served): Promise<number> {
  const key = fromHex(ownerKey, 'key', 32) as PrivateKey;
  const account = { address: accountOfKey(key), signMessage: (message: Uint8Array) => signMessage(key, message) };
  const client = createStorageServiceClient({ runtime: nodeRuntime, apiUrl, chainId: DOMAIN.chainId, account });
  const times: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    const random = nodePrimitives.randomBytes(SAMPLE);
    const challenges = [...random].map((byte, i) => ({ index: (i * 7 + time) % size, random: byte }));
    const sinceMs = performance.now();
    const { answers } = await client.proveChunks(dataset, challenges);
    if (answers.length !== SAMPLE) throw new Error(`${answers.length} of ${SAMPLE} challenges were answered.`);
    times.push(performance.now() - sinceMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(TIMES / 2)] as number;
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
