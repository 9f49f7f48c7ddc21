import { fromHex } from '../../core/bytes.ts';
import type { Growth } from '../../core/log/growth.ts';
import type { GetAnchorResponse } from '../../core/wire/requests.ts';

/** A growth as get-anchor's answer says it. */
export function fromWireGrowth({ from, to, peaks, appended }: GetAnchorResponse['growth'][number]): Growth {
  return { from, to, peaks: peaks.map((hex) => fromHex(hex)), appended: appended.map((hex) => fromHex(hex)) };
}
