import { CarBlockIterator } from '@ipld/car/iterator';
import { exporter } from 'ipfs-unixfs-exporter';
import { importer } from 'ipfs-unixfs-importer';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { CID } from 'multiformats/cid';
import { type BlockFolder, checkBlock, MAX_IPFS_BLOCK_BYTES } from './block-folder.ts';
import { RpcError } from './rpc-error.ts';
import { walkDag } from './walk-dag.ts';

/** One call of Kubo's RPC: its parameters and, where it takes one, the file in its body. */
export interface RpcCall {
  readonly query: URLSearchParams;
  readonly readFile: () => Promise<Uint8Array>;
  readonly signal: AbortSignal;
}

/** One JSON object, one a line, or bytes. */
export type RpcAnswer =
  | { readonly json: object }
  | { readonly lines: AsyncIterable<object> }
  | { readonly bytes: AsyncIterable<Uint8Array> };

export interface IpfsNode {
  readonly folder: BlockFolder;
  readonly peerId: string;
  readonly publicKey: string;
}

const PARALLEL_WRITES = 32;

type Command = (node: IpfsNode, call: RpcCall) => Promise<RpcAnswer>;

/** The part of Kubo's RPC that is spoken here, as `/api/v0/<name>`. There are no peers: everything is asked offline. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  'dag/import': importDag,
  'dag/stat': statDag,
  'block/get': getBlock,
  'block/stat': statBlock,
  cat: catFile,
  'pin/ls': listPins,
  'pin/rm': removePins,
  add: addFile,
  id: async ({ peerId, publicKey }) => ({
    json: {
      ID: peerId,
      PublicKey: publicKey,
      Addresses: [],
      AgentVersion: 'plumbline-embedded',
      Protocols: [],
    },
  }),
};

/** Every block is checked before the first is kept: a file that is cut or corrupt leaves nothing behind. */
async function importDag(node: IpfsNode, { query, readFile, signal }: RpcCall): Promise<RpcAnswer> {
  const file = await readFile();
  const blocks: { cid: CID; bytes: Uint8Array }[] = [];
  let roots: CID[];
  try {
    const car = await CarBlockIterator.fromBytes(file);
    roots = await car.getRoots();
    for await (const block of car) blocks.push(block);
  } catch (cause) {
    throw new RpcError(`import failed: ${cause instanceof Error ? cause.message : 'not a CAR file'}`);
  }
  for (const { cid, bytes } of blocks) await checkBlock(cid, bytes);
  for (let at = 0; at < blocks.length; at += PARALLEL_WRITES) {
    signal.throwIfAborted();
    const some = blocks.slice(at, at + PARALLEL_WRITES);
    await Promise.all(some.map(({ cid, bytes }) => node.folder.blocks.put(cid, bytes)));
  }
  const pinned = query.get('pin-roots') !== 'false';
  const lines: object[] = [];
  for (const cid of roots) {
    const message = pinned ? await pinWhole(node, cid, signal) : '';
    lines.push({ Root: { Cid: { '/': cid.toString() }, PinErrorMsg: message } });
  }
  return { lines: each(lines) };
}

/** Empty when the root was pinned, else why not. */
async function pinWhole({ folder }: IpfsNode, root: CID, signal: AbortSignal): Promise<string> {
  for await (const { cid, bytes } of walkDag(folder.get, root, signal)) {
    if (bytes === null) return missing(cid).message;
  }
  await folder.pin(root);
  return '';
}

async function statDag({ folder }: IpfsNode, { query, signal }: RpcCall): Promise<RpcAnswer> {
  const root = cidOf(query);
  let blocks = 0;
  let sizeBytes = 0;
  for await (const { cid, bytes } of walkDag(folder.get, root, signal)) {
    if (bytes === null) throw missing(cid);
    blocks += 1;
    sizeBytes += bytes.length;
  }
  const stat = { Cid: { '/': root.toString() }, Size: sizeBytes, NumBlocks: blocks };
  return { json: { DagStats: [stat], TotalSize: sizeBytes, UniqueBlocks: blocks, SharedSize: 0, Ratio: 1 } };
}

async function getBlock({ folder }: IpfsNode, { query }: RpcCall): Promise<RpcAnswer> {
  return { bytes: each([await requireBlock(folder, cidOf(query))]) };
}

async function statBlock({ folder }: IpfsNode, { query }: RpcCall): Promise<RpcAnswer> {
  const cid = cidOf(query);
  return { json: { Key: cid.toString(), Size: (await requireBlock(folder, cid)).length } };
}

async function catFile({ folder }: IpfsNode, { query, signal }: RpcCall): Promise<RpcAnswer> {
  const root = cidOf(query);
  const length = query.get('length');
  // Every block is looked for first: once the answer has begun, an error cannot be said any more.
  for await (const { cid, bytes } of walkDag(folder.get, root, signal)) if (bytes === null) throw missing(cid);
  const entry = await exporter(root, folder.blocks).catch((cause: Error) => {
    throw new RpcError(cause.message);
  });
  if (entry.type !== 'file' && entry.type !== 'raw') throw new RpcError('this dag node is a directory');
  return { bytes: entry.content(length === null ? {} : { length: numberOf('length', length) }) };
}

async function listPins({ folder }: IpfsNode, { query, signal }: RpcCall): Promise<RpcAnswer> {
  const type = query.get('type') ?? 'all';
  if (!['all', 'recursive', 'indirect', 'direct'].includes(type)) throw new RpcError(`invalid type '${type}'`);
  const wanted = query.getAll('arg').map(parseCid);
  const roots = await folder.pins();
  const found: { Cid: string; Type: string }[] = [];
  if (type === 'all' || type === 'recursive') {
    found.push(...roots.map((cid) => ({ Cid: cid.toString(), Type: 'recursive' })));
  }
  if (type === 'all' || type === 'indirect') {
    for (const root of roots) {
      for await (const { cid } of walkDag(folder.get, root, signal)) {
        if (!cid.equals(root)) found.push({ Cid: cid.toString(), Type: 'indirect' });
      }
    }
  }
  const byCid = new Map(found.toReversed().map((pin) => [pin.Cid, pin]));
  if (wanted.length === 0) return { lines: each([...byCid.values()]) };
  return {
    lines: each(
      wanted.map((cid) => {
        const pin = byCid.get(cid.toString());
        if (pin === undefined) throw new RpcError(`path '${cid}' is not pinned`);
        return pin;
      }),
    ),
  };
}

async function removePins({ folder }: IpfsNode, { query }: RpcCall): Promise<RpcAnswer> {
  const cid = cidOf(query);
  if (!(await folder.unpin(cid))) throw new RpcError('not pinned or pinned indirectly');
  return { json: { Pins: [cid.toString()] } };
}

/** A file of any size up to the request's, cut and linked as asked for; by default as Kubo does: 256 KiB, CIDv0. */
async function addFile(node: IpfsNode, { query, readFile, signal }: RpcCall): Promise<RpcAnswer> {
  const cidVersion = query.get('cid-version') === '1' ? 1 : 0;
  const hash = query.get('hash') ?? 'sha2-256';
  if (hash !== 'sha2-256') throw new RpcError(`hash function ${hash} is not known here`);
  const rawLeaves = query.get('raw-leaves') === null ? cidVersion === 1 : query.get('raw-leaves') === 'true';
  const content = await readFile();
  const options = {
    cidVersion,
    rawLeaves,
    reduceSingleLeafToSelf: true,
    chunker: fixedSize({ chunkSize: chunkSize(query) }),
  } as const;
  let root: CID | null = null;
  for await (const entry of importer([{ content: each([content]) }], node.folder.blocks, options)) root = entry.cid;
  if (root === null) throw new RpcError('nothing was added');
  if (query.get('pin') !== 'false') await pinWhole(node, root, signal);
  return { lines: each([{ Name: root.toString(), Hash: root.toString(), Size: String(content.length) }]) };
}

function chunkSize(query: URLSearchParams): number {
  const chunker = query.get('chunker') ?? 'size-262144';
  const size = Number(/^size-([0-9]{1,7})$/.exec(chunker)?.[1]);
  if (size >= 1 && size <= MAX_IPFS_BLOCK_BYTES) return size;
  throw new RpcError(`unrecognized chunker option: ${chunker}`);
}

async function requireBlock(folder: BlockFolder, cid: CID): Promise<Uint8Array> {
  const bytes = await folder.get(cid);
  if (bytes === null) throw missing(cid);
  return bytes;
}

function missing(cid: CID): RpcError {
  return new RpcError(`block was not found locally (offline): ipld: could not find ${cid}`);
}

function cidOf(query: URLSearchParams): CID {
  const arg = query.get('arg');
  if (arg === null) throw new RpcError('argument "cid" is required', 400);
  return parseCid(arg);
}

function parseCid(text: string): CID {
  try {
    return CID.parse(text.replace(/^\/ipfs\//, ''));
  } catch {
    throw new RpcError(`invalid path "${text.slice(0, 100)}": invalid cid`);
  }
}

function numberOf(name: string, text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new RpcError(`${name} is not a number`, 400);
  return Number(text);
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
