import type { BlockMeta } from '../../core/block/meta.ts';
import { utf8 } from '../../core/bytes.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { factsOf } from './index-line.ts';

const NEWLINE = 0x0a;
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A block as a line of JSON: its times, and its content as `text`, or as `base64` where it is not UTF-8. The line end of a
 * line of a stream is left out; where it has none, `unended` says so: it goes on in the next one, or the stream ended so.
 */
export function jsonLine(block: BlockIndex, meta: BlockMeta, content: Uint8Array): Uint8Array {
  const { name } = meta;
  const isLine = name === undefined;
  const isEnded = content.at(-1) === NEWLINE;
  const shown = isLine && isEnded ? content.subarray(0, -1) : content;
  const fields = {
    block,
    ...factsOf(meta),
    ...(isLine ? {} : { name }),
    ...textOrBase64(shown),
    ...(isLine && !isEnded ? { unended: true } : {}),
  };
  return utf8(`${JSON.stringify(fields)}\n`);
}

/** What `jsonLine` was made of; null when it was changed. */
export function contentOfJsonLine(line: Uint8Array, meta: BlockMeta): Uint8Array | null {
  try {
    const fields = JSON.parse(text.decode(line)) as { text?: unknown; base64?: unknown; unended?: unknown };
    const shown = typeof fields.text === 'string' ? utf8(fields.text) : Buffer.from(String(fields.base64), 'base64');
    const hasEnd = meta.name === undefined && fields.unended !== true;
    return hasEnd ? Buffer.concat([shown, Uint8Array.of(NEWLINE)]) : shown;
  } catch {
    return null;
  }
}

function textOrBase64(bytes: Uint8Array): { text: string } | { base64: string } {
  try {
    return { text: text.decode(bytes) };
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}
