import { fromHex } from '../../core/bytes.ts';
import { charterFromWire } from '../../core/charter/wire-charter.ts';
import { bytes32, type DatasetId, type LogRoot } from '../../core/ids.ts';
import type { DatasetAnchor } from '../../core/ports/service.ts';
import type { GetAnchorResponse } from '../../core/wire/requests.ts';

/** What get-anchor says of a dataset, parsed. Nothing of it is verified by this. @throws ArgumentError naming the field */
export function anchorFromWire(dataset: DatasetId, { charter, head, growth }: GetAnchorResponse): DatasetAnchor {
  return {
    charter: charterFromWire(charter),
    head:
      head === null
        ? null
        : {
            dataset,
            size: head.size,
            root: bytes32<LogRoot>(fromHex(head.root, 'root'), 'root'),
            serial: head.serial,
            signature: fromHex(head.signature, 'head signature'),
          },
    growth: growth.map(({ from, to, peaks, appended }) => ({
      from,
      to,
      peaks: peaks.map((hash) => fromHex(hash, 'peak')),
      appended: appended.map((hash) => fromHex(hash, 'appended subtree')),
    })),
  };
}
