import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { createJsonRpc, type JsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { createSecretFile } from '../../../adapters/keys/secret-file.ts';
import { loopbackPorts } from '../loopback-ports.ts';
import { type Daemon, startDaemon } from '../start-daemon.ts';
import { createEngineApi, type EngineApi } from './engine-api.ts';

/** Where a node is and who it is; known before it is started, so that nodes can name each other. */
export interface NodeSeat {
  readonly folder: string;
  readonly rpcPort: number;
  readonly enginePort: number;
  readonly peerPort: number;
  /** Its address on the peers' network. */
  readonly enode: string;
  readonly rpcUrl: string;
  /** What the slot driver signs its calls with. */
  readonly engineSecret: Uint8Array;
}

export interface GethNode extends NodeSeat {
  readonly rpc: JsonRpc;
  readonly engine: EngineApi;
  isUp(): boolean;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts it again on what it has on disk. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

const INIT_TIMEOUT_MS = 60_000;

/** Chooses ports and a node key, and writes the genesis block into a new folder. */
export async function seatNode(geth: string, folder: string, genesis: object): Promise<NodeSeat> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [rpcPort, enginePort, peerPort] = (await loopbackPorts(3)) as [number, number, number];
  const nodeKey = secp256k1.utils.randomSecretKey();
  const publicKey = Buffer.from(secp256k1.getPublicKey(nodeKey, false).subarray(1)).toString('hex');
  await createSecretFile(join(folder, 'node-key'), Buffer.from(nodeKey).toString('hex'));
  const engineSecret = new Uint8Array(randomBytes(32));
  await createSecretFile(join(folder, 'jwt-secret'), Buffer.from(engineSecret).toString('hex'));
  const genesisFile = join(folder, 'genesis.json');
  await writeFile(genesisFile, JSON.stringify(genesis));
  // With the default scheme, a node that is killed comes back at its genesis block.
  const parameters = ['init', '--state.scheme', 'hash', '--datadir', join(folder, 'data'), genesisFile];
  await promisify(execFile)(geth, parameters, { timeout: INIT_TIMEOUT_MS });
  const enode = `enode://${publicKey}@127.0.0.1:${peerPort}`;
  return { folder, rpcPort, enginePort, peerPort, enode, rpcUrl: `http://127.0.0.1:${rpcPort}`, engineSecret };
}

/** Starts a node that knows these peers and nobody else, on loopback alone. */
export async function startNode(
  geth: string,
  seat: NodeSeat,
  chainId: number,
  peers: readonly string[],
): Promise<GethNode> {
  const configFile = join(seat.folder, 'config.toml');
  // The listening address can only be given here: `--port` binds every interface.
  const config = `[Node.P2P]\nListenAddr = "127.0.0.1:${seat.peerPort}"\nStaticNodes = ${JSON.stringify(peers)}\n`;
  await writeFile(configFile, config);
  const start = () =>
    startDaemon({
      name: `geth at ${seat.rpcUrl}`,
      command: geth,
      parameters: parametersOf(seat, chainId, configFile),
      isReady: async () => (await createJsonRpc({ ...seat, chainId }).call('eth_chainId', [])) !== null,
    });
  let daemon: Daemon | null = null;
  const run = async () => {
    const started = await start();
    daemon = started;
    // It may end by itself, too.
    started.exited.then(() => {
      if (daemon === started) daemon = null;
    });
  };
  await run();
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const ending = daemon;
    daemon = null;
    await ending?.stop(signal);
  };
  return {
    ...seat,
    rpc: createJsonRpc({ ...seat, chainId }),
    engine: createEngineApi(`http://127.0.0.1:${seat.enginePort}`, seat.engineSecret),
    isUp: () => daemon !== null,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGKILL');
      await run();
    },
    freeze: () => daemon?.freeze(),
    thaw: () => daemon?.thaw(),
    stop: () => end('SIGTERM'),
  };
}

function parametersOf(seat: NodeSeat, chainId: number, configFile: string): string[] {
  return [
    ...['--config', configFile, '--datadir', join(seat.folder, 'data'), '--networkid', String(chainId)],
    ...['--state.scheme', 'hash', '--gcmode', 'archive', '--syncmode', 'full', '--cache', '64'],
    // Below the time a slot is built in, or blocks stay empty.
    ...['--miner.recommit', '200ms', '--miner.gaslimit', '30000000'],
    ...['--nodekey', join(seat.folder, 'node-key'), '--nodiscover', '--nat', 'none', '--discovery.dns', ''],
    ...['--netrestrict', '127.0.0.0/8', '--maxpeers', '16', '--ipcdisable', '--verbosity', '2'],
    ...['--http', '--http.addr', '127.0.0.1', '--http.port', String(seat.rpcPort)],
    ...['--http.api', 'eth,net,web3,txpool,debug,admin'],
    ...['--authrpc.addr', '127.0.0.1', '--authrpc.port', String(seat.enginePort)],
    ...['--authrpc.jwtsecret', join(seat.folder, 'jwt-secret')],
  ];
}
