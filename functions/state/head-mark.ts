import { concatBytes, equalBytes, fromHex, to0x, toHex, u8, u32, u64 } from '../../core/bytes.ts';
import type { Charter } from '../../core/charter/charter.ts';
import { type Address, type DatasetId, type LogRoot, NO_ACCOUNT } from '../../core/ids.ts';
import type { SignedHead } from '../../core/log/head.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { workPk } from './entries.ts';

/**
 * A head that a dataset's verified log has, as whoever appended it saw it: all that the anchor has to know of it, so that it
 * reads nothing else of a dataset whose head has moved on as it should.
 */
export interface HeadMark {
  readonly head: SignedHead;
  /** The account that signed it. */
  readonly signer: Address;
  /** The log that it was appended to. */
  readonly before: { readonly size: number; readonly root: LogRoot };
  /** The charter in force when it was checked in. */
  readonly charter: MarkedCharter;
}

export interface MarkedCharter extends Pick<Charter, 'owner' | 'device' | 'serial' | 'from'> {
  /** Null where the dataset is recorded directly only. */
  readonly anchorer: Address | null;
  /** Whether DISSC has it; else it is the first, and DISSC has none. */
  readonly onChain: boolean;
}

type Hasher = Pick<Primitives, 'sha256'>;

const SAID_BYTES = 32 + 32 + 65 + 4 * 20 + 3 * 8 + 2 * 4 + 1;

/** Tells the anchor that a dataset's log has a head. One request; doing it again changes nothing. */
export async function markHead(
  table: Pick<Table, 'put'>,
  hasher: Hasher,
  { head, signer, before, charter }: Omit<HeadMark, 'charter'> & { readonly charter: Charter & { onChain: boolean } },
  signal?: AbortSignal,
): Promise<void> {
  const { dataset, size, root, serial, signature } = head;
  const accounts = [signer, charter.owner, charter.device, charter.anchorer].map((one) => fromHex(one, 'account', 20));
  const said = concatBytes(
    ...[root, before.root, signature, ...accounts],
    ...[u64(size), u64(before.size), u64(charter.from), u32(serial), u32(charter.serial), u8(charter.onChain ? 1 : 0)],
  );
  const item = {
    pk: workPk(dataset),
    sk: headMarkSk(dataset, size, root),
    said,
    check: checkOf(hasher, dataset, said),
  };
  await table.put(item, 'absent', signal);
}

/** Null for one that is damaged. */
export function readHeadMark(hasher: Hasher, dataset: DatasetId, { sk, said, check }: Item): HeadMark | null {
  if (!(said instanceof Uint8Array) || !(check instanceof Uint8Array) || said.length !== SAID_BYTES) return null;
  if (!equalBytes(check, checkOf(hasher, dataset, said))) return null;
  const view = new DataView(said.buffer, said.byteOffset, said.byteLength);
  const account = (i: number): Address => to0x(said.subarray(129 + 20 * i, 149 + 20 * i)) as Address;
  const u64At = (at: number): number => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  const root = said.slice(0, 32) as LogRoot;
  const [size, serial] = [u64At(209), view.getUint32(233)];
  if (sk !== headMarkSk(dataset, size, root)) return null;
  const [owner, device, anchorer] = [account(1), account(2), account(3)];
  return {
    head: { dataset, size, root, serial, signature: said.slice(64, 129) },
    signer: account(0),
    before: { size: u64At(217), root: said.slice(32, 64) as LogRoot },
    charter: {
      ...{ owner, device, anchorer: anchorer === NO_ACCOUNT ? null : anchorer, serial: view.getUint32(237) },
      ...{ from: u64At(225), onChain: said[241] === 1 },
    },
  };
}

function headMarkSk(dataset: DatasetId, size: number, root: LogRoot): string {
  return `${dataset}#${String(size).padStart(16, '0')}#${toHex(root.subarray(0, 8))}`;
}

function checkOf(hasher: Hasher, dataset: DatasetId, said: Uint8Array): Uint8Array {
  return hasher.sha256(concatBytes(fromHex(dataset, 'dataset', 32), said));
}
