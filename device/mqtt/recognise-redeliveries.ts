import type { IPublishPacket } from 'mqtt-packet';
import { toHex, utf8 } from '../../core/bytes.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { CaptureEntry } from '../outbox/append-blocks.ts';
import type { Outbox } from '../outbox/open-outbox.ts';

/**
 * Tells messages that the broker sends again from new ones. A message is noted under its packet id in the same commit as
 * its content, and the note stands until the broker is known to have the acknowledgement. A message that comes with the
 * DUP flag, the packet id and the content of a note is the noted one.
 *
 * So what the broker delivers at least once is captured exactly once, whatever is killed when, with one exception that no
 * receiver can avoid: two messages alike in topic, content and properties, of which the second was given the packet id of
 * the first as soon as that was free (most brokers count on), and whose first transmission was lost together with the
 * connection before a ping had settled the first one. They count as one.
 */
export interface Redeliveries {
  /** Whether this very message is in the outbox, or on its way there. */
  isKnown(message: IPublishPacket): boolean;
  /** What is to be kept beside the message's content. */
  noteOf(message: IPublishPacket): NonNullable<CaptureEntry['file']>;
  /** The broker has the acknowledgements of these. */
  settle(packetIds: readonly number[]): void;
  /** The broker has begun a new session: packet ids mean nothing of before. */
  forget(): void;
}

export function createRedeliveries(
  parts: { readonly primitives: Pick<Primitives, 'createSha256'>; readonly outbox: Outbox },
  clientId: string,
): Redeliveries {
  const { primitives, outbox } = parts;
  const prefix = `mqtt:${clientId}:`;
  const pathOf = (packetId: number): string => `${prefix}${packetId}`;
  const known = new Map<number, string>();
  // Digits come before a colon: all paths of this session and no others.
  const rows = outbox.sql('SELECT path, identity FROM files WHERE path >= ? AND path < ?').all(prefix, `${prefix}:`);
  for (const row of rows) known.set(Number((row.path as string).slice(prefix.length)), row.identity as string);
  return {
    isKnown: (message) => message.dup && known.get(message.messageId as number) === identityOf(primitives, message),

    noteOf(message) {
      const packetId = message.messageId as number;
      const identity = identityOf(primitives, message);
      known.set(packetId, identity);
      return { path: pathOf(packetId), identity, parts: 1, capturedParts: 1 };
    },

    settle(packetIds) {
      outbox.commit(() => {
        for (const packetId of packetIds) {
          known.delete(packetId);
          outbox.sql('DELETE FROM files WHERE path = ?').run(pathOf(packetId));
        }
      });
    },

    forget() {
      if (known.size === 0) return;
      known.clear();
      outbox.commit(() => outbox.sql('DELETE FROM files WHERE path >= ? AND path < ?').run(prefix, `${prefix}:`));
    },
  };
}

/** Of all that a broker must pass on unchanged; the time that a message may still live is not. */
function identityOf(
  primitives: Pick<Primitives, 'createSha256'>,
  { topic, payload, properties = {}, retain }: IPublishPacket,
): string {
  const { contentType, responseTopic, correlationData, payloadFormatIndicator, userProperties } = properties;
  const rest = { contentType, responseTopic, payloadFormatIndicator, userProperties, retain };
  const hash = primitives.createSha256();
  hash.update(utf8(`${JSON.stringify([topic, rest, correlationData?.toString('hex')])}\0`));
  hash.update(typeof payload === 'string' ? utf8(payload) : payload);
  return toHex(hash.digest());
}
