import { createWriteStream, existsSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeySigner } from '../adapters/ethereum/account-signer.ts';
import { createJsonRpc } from '../adapters/ethereum/json-rpc.ts';
import { replaceSecretFile } from '../adapters/keys/secret-file.ts';
import { StateError, StoreUnavailableError } from '../core/errors.ts';
import { keepRoundsMsOf } from '../core/rounds/cadence.ts';
import { openConsoleSite } from './console/console-site.ts';
import { inUrl } from './host/addresses.ts';
import { type RunningHost, startHost } from './host/start-host.ts';
import { startIpfs } from './ipfs/start-ipfs.ts';
import { startS3 } from './s3/start-s3.ts';
import { fund } from './stack/fund.ts';
import { BUCKET, OPERATOR_WEI, openService, REGION } from './stack/open-service.ts';
import { acquireStackLock } from './stack/stack-lock.ts';
import { startAnvil } from './stack/start-anvil.ts';
import { startDynalite } from './stack/start-dynalite.ts';
import { openStackFolder, type StackIdentity } from './stack-folder.ts';

export interface StackOptions {
  /** Everything the stack keeps, in one folder; started there again, it goes on. */
  readonly folder: string;
  readonly blockTimeMs: number;
  /** An address of this machine by which others reach service, bucket and chain; loopback when not given. */
  readonly listen?: string;
  /** How long a stored batch waits for others of its dataset before it is recorded; not at all by default. */
  readonly recordEveryMs?: number;
  /** So long every round stays provable, and of older ones the last of each day; 0: for good. Thirty when not given. */
  readonly keepRoundsDays?: number;
}

export interface RunningStack {
  readonly apiUrl: string;
  readonly rpcUrl: string;
  /** Whether other users of this machine cannot reach the chain past its door. */
  readonly chainHidden: boolean;
  /** The process that ran a stack here before and ended without stopping it, or null. */
  readonly takenOverFrom: number | null;
  /** Settles with the reason when a part ends by itself. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
const FORMER_CHAIN_MS = 8_000;

/**
 * Starts the whole stack: chain, object store, table, IPFS and every function, and writes `stack.json` when all of
 * it is ready. On loopback, but for what devices on other machines need where an address for that is given.
 * @throws StateError when another stack runs in the folder or a port of it is taken
 */
export async function startStack(options: StackOptions, signal?: AbortSignal): Promise<RunningStack> {
  const { folder } = options;
  requireNoHome(folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // In order of starting; stopped in the reverse order.
  const parts: (() => Promise<void>)[] = [];
  const stopAll = async (): Promise<void> => {
    for (let stop = parts.pop(); stop !== undefined; stop = parts.pop()) await stop();
  };
  try {
    const lock = await acquireStackLock(folder);
    parts.push(() => lock.release());
    // One that was killed has left its own behind, and whoever waits for this one waits for the file.
    await rm(join(folder, 'stack.json'), { force: true });
    const identity = await openStackFolder(folder);
    // A chain whose stack was killed writes its state before it ends, and holds its port until then.
    await requireFreePorts(
      identity.ports,
      options.listen ?? LOOPBACK,
      lock.takenOverFrom === null ? 0 : FORMER_CHAIN_MS,
      signal,
    );
    const started = await startParts(options, identity, parts, stopAll);
    return { ...started, takenOverFrom: lock.takenOverFrom?.pid ?? null };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function startParts(
  options: StackOptions,
  identity: StackIdentity,
  parts: (() => Promise<void>)[],
  stopAll: () => Promise<void>,
): Promise<Omit<RunningStack, 'takenOverFrom'>> {
  const { folder, listen = LOOPBACK } = options;
  const { ports, s3AccessKey, s3SecretKey, operatorKey } = identity;
  const log = createWriteStream(join(folder, 'stack.log'), { flags: 'a', mode: 0o600 });
  parts.push(() => new Promise((resolve) => log.end(() => resolve())));
  const write = (line: object): void => void log.write(`${JSON.stringify(line)}\n`);

  mkdirSync(join(folder, 'chain'), { recursive: true, mode: 0o700 });
  const [chain, dynalite, ipfs] = await Promise.all([
    startAnvil({
      stateFile: join(folder, 'chain', 'state.json'),
      door: { host: listen, port: ports.chain, tokens: identity.chainTokens },
      mining: { blockTimeMs: options.blockTimeMs },
    }),
    startDynalite({
      ...{ folder: join(folder, 'table'), port: ports.table },
      credentials: { accessKeyId: s3AccessKey, secretAccessKey: s3SecretKey },
    }),
    startIpfs({ folder: join(folder, 'ipfs'), port: ports.ipfs }),
  ]);
  parts.push(
    () => chain.stop(),
    () => dynalite.stop(),
    () => ipfs.stop(),
  );
  const { rpcUrl, publicRpcUrl, chainId } = chain;

  const signer = createKeySigner(operatorKey);
  await fund(createJsonRpc({ rpcUrl, chainId }), signer.account, OPERATOR_WEI);
  let host: RunningHost | null = null;
  const s3 = await startS3({
    ...{
      dataDir: join(folder, 'objects'),
      host: listen,
      port: ports.objects,
      region: REGION,
      buckets: [BUCKET],
      log: write,
    },
    ...{ accessKey: s3AccessKey, secretKey: s3SecretKey },
    onEvent: async (event) => {
      // Events of a former run may come before the functions are up: they are delivered again.
      if (host === null) throw new StoreUnavailableError('The functions have not started yet.');
      await host.deliverS3Event(event);
    },
  });
  parts.push(() => s3.close());
  const service = await openService({
    ...{ rpcUrl, chainId, signer, s3AccessKey, s3SecretKey, s3Endpoint: s3.endpoint, ipfsApiUrl: ipfs.apiUrl },
    ...{ table: dynalite, log: write },
  });
  parts.push(async () => service.close());

  const started = await startHost({
    ports: service.ports,
    host: listen,
    moreAuthorities: [`${inUrl(listen)}:${ports.api}`],
    port: ports.api,
    ...(options.recordEveryMs === undefined ? {} : { recordEveryMs: options.recordEveryMs }),
    ...(options.keepRoundsDays === undefined ? {} : { keepRoundsMs: keepRoundsMsOf(options.keepRoundsDays) }),
    lambda: { accessKey: s3AccessKey, secretKey: s3SecretKey, region: REGION },
    site: openConsoleSite({ rpcUrl: publicRpcUrl, objects: service.objects, place: service.place }),
  });
  host = started;
  parts.push(() => started.close());

  const path = join(folder, 'stack.json');
  await replaceSecretFile(
    path,
    `${JSON.stringify({ ...service.stackFile(started), rpcUrl: publicRpcUrl, chainKeeperRpcUrl: rpcUrl }, null, 2)}\n`,
  );
  parts.push(() => rm(path, { force: true }));
  const failed = chain.exited.then(
    () => new StoreUnavailableError(`The chain has stopped. ${join(folder, 'stack.log')} may say why.`),
  );
  return { apiUrl: started.apiUrl, rpcUrl: publicRpcUrl, chainHidden: chain.hidden, failed, stop: stopAll };
}

/** A stack's folder is thrown away one day; the keystore of an owner or a consumer must not go with it. */
function requireNoHome(folder: string): void {
  if (!existsSync(join(folder, 'keystore.json')) || existsSync(join(folder, 'secrets.json'))) return;
  throw new StateError(`${folder} holds an owner's or a consumer's keystore. Give the stack a folder of its own.`);
}

/** Says which port is taken, before any part is started; waits `patienceMs` for what is just ending. */
async function requireFreePorts(
  ports: StackIdentity['ports'],
  listen: string,
  patienceMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  for (const [part, port] of Object.entries(ports)) {
    const host = ['chain', 'objects', 'api'].includes(part) ? listen : LOOPBACK;
    for (let code = await whyTaken(port, host); code !== null; code = await whyTaken(port, host)) {
      if (code === 'EADDRNOTAVAIL' || code === 'EINVAL') {
        throw new StateError(`${host} is not an address of this machine. Give one at which other machines reach it.`);
      }
      signal?.throwIfAborted();
      if (performance.now() > untilMs) {
        throw new StateError(
          `Port ${port} of ${host}, which this stack's ${part} uses, is taken (${code}). Stop the program that uses it, or start in another folder.`,
        );
      }
      await sleep(100, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** Null when a port can be listened to, else the error's code. */
async function whyTaken(port: number, host: string): Promise<string | null> {
  const server = createServer();
  const code = await new Promise<string | null>((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => resolve(null));
  });
  await new Promise((resolve) => server.close(resolve));
  return code;
}
