/**
 * What the local stack keeps of requests that it has answered: its memory after a forced collection, over many small requests and
 * uploads, from another process. Half of the requests an owner has signed; a quarter is public and unsigned; the last quarter is
 * refused: no signature, one of a stranger, a dataset that nobody knows, and what is no request.
 *
 *     node dev/bench/memory.ts [--requests 100000] [--uploads 1000] [--snapshots FOLDER] [--json]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeHeapSnapshot } from 'node:v8';
import { signMessage } from '../../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { RequestRefusedError } from '../../core/errors.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { newKey } from './parts/new-key.ts';
import { openOwner } from './parts/open-owner.ts';
import type { PartsAnswer } from './parts/serve-parts.ts';
import type { Parts } from './parts/start-parts.ts';
import { describeMachine, nameMachine } from './report/describe-machine.ts';

interface Memory {
  readonly rssMib: number;
  readonly heapMib: number;
  readonly externalMib: number;
}

const MIB = 2 ** 20;
const CLIENTS = 16;
const STEPS = 10;
const WARM_UP = 2_000;
const BLOCKS = 16;

if (process.argv[2] === 'stack') await serve(process.argv[3] as string);
else await measure();

/** The stack, in the way the bench's parts are started, which also says what it holds. */
async function serve(folder: string): Promise<void> {
  process.on('message', async (order: { readonly snapshot?: string; readonly weigh?: true }) => {
    if (order.snapshot !== undefined) {
      writeHeapSnapshot(order.snapshot);
      process.send?.({ snapshot: true });
    }
    if (order.weigh === true) process.send?.({ memory: await weigh() });
  });
  const { main } = await import('./parts/serve-parts.ts');
  await main('embedded', folder);
  process.exit();
}

async function weigh(): Promise<Memory> {
  for (let time = 0; time < 3; time++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rssMib: rss / MIB, heapMib: heapUsed / MIB, externalMib: external / MIB };
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '100000' },
      uploads: { type: 'string', default: '1000' },
      snapshots: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [requests, uploads] = [Number(values.requests), Number(values.uploads)];
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-memory-'));
  const child = fork(import.meta.filename, ['stack', join(folder, 'parts')], { execArgv: ['--expose-gc'] });
  const told = async <T>(order: object, read: (said: Record<string, unknown>) => T | undefined): Promise<T> => {
    if (Object.keys(order).length > 0) child.send(order);
    for (;;) {
      const [said] = (await once(child, 'message')) as [Record<string, unknown>];
      const found = read(said);
      if (found !== undefined) return found;
    }
  };
  const say = (line: object): void => console.log(values.json ? JSON.stringify(line) : Object.values(line).join('\t'));
  try {
    const address = await told({}, (said) => (said as Partial<{ ready: object }>).ready);
    const order = async (what: object): Promise<void> =>
      void (await told(what, (said) => (said as PartsAnswer & { done?: true }).done));
    const parts = {
      ...address,
      kind: 'embedded',
      named: '',
      folder,
      admit: (admit: string) => order({ admit }),
    } as unknown as Parts;
    const owner = await openOwner(parts);
    const [dataset] = await owner.open(1);
    if (dataset === undefined) throw new Error('No dataset.');
    const { signal } = new AbortController();
    const { apiUrl, chainId } = parts.stack;
    const store = () =>
      owner.store(
        dataset,
        Array.from({ length: BLOCKS }, () => new Uint8Array(1_000)),
        signal,
      );
    await store();
    let [asked, stored, late] = [0, 0, 0];
    const strange = createStorageServiceClient({ runtime: nodeRuntime, apiUrl, chainId, account: strangerAccount() });
    const { dataset: id } = dataset.writer;
    const unsigned = async (path: string, body?: string): Promise<void> => {
      const init = { signal, ...(body === undefined ? {} : { method: 'POST', body }) };
      await (await fetch(`${apiUrl}${path}`, init)).arrayBuffer();
    };
    const proofs = JSON.stringify({ challenges: [{ index: 1, random: 7 }] });
    /** In turn; what is refused is answered all the same. */
    const kinds: readonly (() => Promise<unknown>)[] = [
      () => owner.service.listBatches(id, { from: 0 }, signal),
      () => unsigned(`/v1/datasets/${id}/anchor`),
      () => owner.service.proveChunks(id, [{ index: asked % BLOCKS, random: asked }], signal),
      () => unsigned(`/v1/datasets/${id}/proofs`, proofs),
      () => owner.service.listBatches(id, { from: 0 }, signal),
      () => unsigned(`/v1/datasets/${id}/records`, JSON.stringify({ blocks: [asked % BLOCKS], size: BLOCKS })),
      () => owner.service.getAnchor(id, {}, signal),
      () => strange.listBatches(id, { from: 0 }, signal),
      () => owner.service.listBatches(id, { from: 0 }, signal),
      () => unsigned(`/v1/datasets/${id}/anchor?since=0`),
      () => owner.service.proveChunks(id, [{ index: asked % BLOCKS, random: asked }], signal),
      () => unsigned(`/v1/datasets/0x${asked.toString(16).padStart(64, '0')}/anchor`),
      () => owner.service.listBatches(id, { from: 0 }, signal),
      () => unsigned('/v1/openapi.json'),
      () => owner.service.getAnchor(id, {}, signal),
      () => unsigned(`/v1/datasets/${id}/records`, `{"blocks":[${asked}`),
    ];
    const ask = async (untilAsked: number): Promise<void> => {
      const client = async () => {
        while (asked < untilAsked) {
          const kind = kinds[asked++ % kinds.length] as () => Promise<unknown>;
          // On a machine that is busy with other things, some come too late: they are requests all the same.
          await kind().catch((error: unknown) => {
            if (!(error instanceof RequestRefusedError)) late++;
          });
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, client));
    };
    if (!values.json) console.log(nameMachine(describeMachine()));
    say({
      requests: 'requests',
      uploads: 'uploads',
      rss: 'rss MiB',
      heap: 'heap MiB',
      external: 'external MiB',
      late: 'unanswered',
      s: 's',
    });
    await ask(WARM_UP);
    asked = 0;
    const since = performance.now();
    for (let step = 0; step <= STEPS; step++) {
      await ask(Math.round((requests * step) / STEPS));
      for (; stored < Math.round((uploads * step) / STEPS); stored++) await store().catch(() => late++);
      const { rssMib, heapMib, externalMib } = await told({ weigh: true }, (said) => said.memory as Memory | undefined);
      const [rss, heap, external] = [rssMib, heapMib, externalMib].map((value) => value.toFixed(1));
      say({
        requests: asked,
        uploads: stored,
        rss,
        heap,
        external,
        late,
        s: ((performance.now() - since) / 1000).toFixed(0),
      });
      if (values.snapshots !== undefined && (step === 1 || step === STEPS)) {
        await told({ snapshot: join(values.snapshots, `step-${step}.heapsnapshot`) }, (said) => said.snapshot);
      }
    }
  } finally {
    child.disconnect();
    await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  }
}

/** Somebody whom the service does not know. */
function strangerAccount() {
  const key = newKey();
  return { address: accountOfKey(key), signMessage: (message: Uint8Array) => signMessage(key, message) };
}
