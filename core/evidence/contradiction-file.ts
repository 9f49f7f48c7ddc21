import * as z from 'zod';
import { fromHex, to0x } from '../bytes.ts';
import type { SignedCharter } from '../charter/charter.ts';
import { charterFromWire, charterToWire } from '../charter/wire-charter.ts';
import type { DisscDomain } from '../dissc-domain.ts';
import { address, bytes32, datasetId, type LogRoot } from '../ids.ts';
import type { SignedHead } from '../log/head.ts';
import { wireCharter } from '../wire/requests.ts';
import type { Contradiction } from './contradiction.ts';

/** Two contradictory heads as a file that anybody can check, with what tells whose they are. */
export interface ContradictionFile {
  readonly domain: DisscDomain;
  readonly contradiction: Contradiction;
  /** Under their owner's signature, as far as they are known: which account is the dataset's device. */
  readonly charters: readonly SignedCharter[];
  /** Where each was seen, for people. Nothing rests on it. */
  readonly seen: { readonly shorter: string; readonly longer: string };
}

/** No such file is larger: two heads, 144 hashes, and charters. */
export const MAX_CONTRADICTION_BYTES = 65_536;
const MAX_CHARTERS = 64;

const hash0x = z.string().regex(/^0x[0-9a-f]{64}$/);
const size = z.int().min(1);
const head = z.strictObject({
  size,
  root: hash0x,
  serial: z.int().min(0).max(0xffff_ffff),
  signature: z.string().regex(/^0x[0-9a-f]{130}$/),
});

const file = z.strictObject({
  format: z.literal('plumbline-contradiction/2'),
  chainId: z.int().min(1),
  dissc: z.string().regex(/^0x[0-9a-f]{40}$/),
  dataset: hash0x,
  shorter: head,
  longer: head,
  growth: z
    .strictObject({ from: size, to: size, peaks: z.array(hash0x).max(48), appended: z.array(hash0x).max(96) })
    .nullable(),
  charters: z.array(wireCharter).max(MAX_CHARTERS),
  seen: z.strictObject({ shorter: z.string().max(300), longer: z.string().max(300) }),
});

/** JSON, a line end behind it. */
export function encodeContradiction({ domain, contradiction, charters, seen }: ContradictionFile): string {
  const { shorter, longer, growth } = contradiction;
  const value: z.input<typeof file> = {
    format: 'plumbline-contradiction/2',
    ...{ chainId: domain.chainId, dissc: domain.dissc, dataset: shorter.dataset },
    ...{ shorter: headToWire(shorter), longer: headToWire(longer) },
    growth: growth === null ? null : { ...growth, peaks: growth.peaks.map(to0x), appended: growth.appended.map(to0x) },
    charters: charters.slice(0, MAX_CHARTERS).map(charterToWire),
    seen,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** What a file claims; `requireContradiction` checks it. @throws a parser's error */
export function decodeContradiction(text: string): ContradictionFile {
  const { chainId, dissc, growth, charters, seen, ...parsed } = file.parse(JSON.parse(text));
  const dataset = datasetId(parsed.dataset);
  const headFrom = ({ root, signature, ...same }: z.output<typeof head>): SignedHead => {
    const bytes = bytes32<LogRoot>(fromHex(root, 'root'), 'root');
    return { ...same, dataset, root: bytes, signature: fromHex(signature, 'head signature') };
  };
  return {
    domain: { chainId, dissc: address(dissc) },
    contradiction: {
      ...{ shorter: headFrom(parsed.shorter), longer: headFrom(parsed.longer) },
      growth:
        growth === null
          ? null
          : {
              ...growth,
              peaks: growth.peaks.map((hash) => fromHex(hash, 'peak')),
              appended: growth.appended.map((hash) => fromHex(hash, 'appended subtree')),
            },
    },
    charters: charters.map(charterFromWire),
    seen,
  };
}

function headToWire({ size: blocks, root, serial, signature }: SignedHead): z.input<typeof head> {
  return { size: blocks, root: to0x(root), serial, signature: to0x(signature) };
}
