import { concatBytes, fromHex, u8 } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import { rootOfList } from './merkle-patricia.ts';
import { encodeRlp, type Rlp, rlpNumber } from './rlp.ts';

/** A receipt as JSON-RPC shows it; nothing is believed of it before all of a block lead to its receiptsRoot. */
export interface JsonReceipt {
  readonly type?: string | null | undefined;
  readonly status?: string | null | undefined;
  readonly root?: string | null | undefined;
  readonly cumulativeGasUsed: string;
  readonly logsBloom: string;
  readonly logs: readonly { readonly address: string; readonly topics: readonly string[]; readonly data: string }[];
}

/** Transactions of these types have receipts of the form that is known here (EIP-658, 2718). */
const LAST_KNOWN_TYPE = 4;

/** The root of all receipts of a block, as its header has it. @throws ProofError when one is of a form not known here */
export function receiptsRoot(receipts: readonly JsonReceipt[]): Uint8Array {
  return rootOfList(receipts.map(encodeReceipt));
}

function encodeReceipt({ type, status, root, cumulativeGasUsed, logsBloom, logs }: JsonReceipt): Uint8Array {
  const kind = Number(type ?? '0x0');
  if (!(kind >= 0 && kind <= LAST_KNOWN_TYPE)) throw new ProofError(`Receipts of type ${kind} are not supported.`);
  const outcome = status == null ? fromHex(root ?? '', 'root') : rlpNumber(BigInt(status));
  const fields: Rlp = [
    outcome,
    rlpNumber(BigInt(cumulativeGasUsed)),
    fromHex(logsBloom, 'bloom'),
    logs.map(({ address, topics, data }) => [
      fromHex(address, 'address', 20),
      topics.map((topic) => fromHex(topic, 'topic', 32)),
      fromHex(data, 'data'),
    ]),
  ];
  return kind === 0 ? encodeRlp(fields) : concatBytes(u8(kind), encodeRlp(fields));
}
