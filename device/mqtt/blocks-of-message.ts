import type { IPublishPacket } from 'mqtt-packet';
import type { CapturedBlock } from '../../core/batch/seal-batch.ts';
import type { BlockMeta } from '../../core/block/meta.ts';
import { toHex, utf8 } from '../../core/bytes.ts';
import type { Primitives } from '../../core/ports/primitives.ts';

const MAX_NAME_BYTES = 256;
const MEDIA_TYPE = /^[\w!#$&^.+-]{1,60}\/[\w!#$&^.+-]{1,60}$/;

/**
 * A message as blocks: named by its topic as it is, of the media type and of the time that it says, cut into parts above the
 * block size. A topic that is too long for a name is shortened, and told apart by its hash.
 */
export function blocksOfMessage(
  primitives: Pick<Primitives, 'sha256'>,
  { topic, payload, properties }: IPublishPacket,
  stamp: Pick<BlockMeta, 'at' | 'clock'>,
  blockBytes: number,
): CapturedBlock[] {
  const content = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const parts = Math.ceil(content.length / blockBytes);
  const type = properties?.contentType;
  const time = timeOf(properties?.userProperties?.time);
  const meta: BlockMeta = {
    ...stamp,
    ...(time === null ? {} : { time }),
    name: nameOf(primitives, topic),
    ...(type !== undefined && MEDIA_TYPE.test(type) ? { type } : {}),
  };
  return Array.from({ length: parts }, (_, part) => ({
    // Its own memory: what came with it from the broker need not stay.
    content: new Uint8Array(content.subarray(part * blockBytes, (part + 1) * blockBytes)),
    meta: parts === 1 ? meta : { ...meta, part, parts },
  }));
}

// RFC 3339 §5.6; a time without its zone could be any.
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * What the user property `time` says, as the CloudEvents binding for MQTT has it, or ms since 1970; null when it is neither.
 * MQTT itself gives a message no time.
 */
function timeOf(said: string | string[] | undefined): number | null {
  const text = Array.isArray(said) ? said[0] : said;
  if (text === undefined) return null;
  const time = /^[0-9]{1,15}$/.test(text) ? Number(text) : DATE_TIME.test(text) ? Date.parse(text) : Number.NaN;
  return time >= 0 ? time : null;
}

function nameOf(primitives: Pick<Primitives, 'sha256'>, topic: string): string {
  if (Buffer.byteLength(topic) <= MAX_NAME_BYTES && topic.isWellFormed()) return topic;
  const characters = [...topic.toWellFormed()];
  const hash = toHex(primitives.sha256(utf8(topic))).slice(0, 16);
  while (Buffer.byteLength(characters.join('')) > MAX_NAME_BYTES - hash.length - 1) characters.pop();
  return `${characters.join('')}~${hash}`;
}
