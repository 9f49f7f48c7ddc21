import type { IPublishPacket } from 'mqtt-packet';
import { blocksOfMessage } from '../mqtt/blocks-of-message.ts';
import { holdSession } from '../mqtt/hold-session.ts';
import type { Broker } from '../mqtt/parse-broker.ts';
import type { BrokerSecrets } from '../mqtt/read-secrets.ts';
import { createRedeliveries } from '../mqtt/recognise-redeliveries.ts';
import { noteMissed } from '../outbox/left-out.ts';
import { noteStep } from '../outbox/note-step.ts';
import { isLasting } from '../steps/is-lasting.ts';
import { type Backoff, pauseMs, reasonOf } from '../steps/run-step.ts';
import { createWakeup } from '../steps/wakeup.ts';
import type { Source } from './source.ts';

export interface MqttOptions {
  readonly broker: Broker;
  readonly secrets: BrokerSecrets;
  /** Names the session that the broker keeps for this device. */
  readonly clientId: string;
  readonly blockBytes: number;
  /** Of one message; the broker drops what is larger, as it is told. */
  readonly maxMessageBytes: number;
  readonly backoff: Backoff;
}

/** Messages under way: some commits' worth at a thousand a second. */
const RECEIVE_MAXIMUM = 256;
/** Topic and properties of a message come on top. */
const PACKET_HEAD_BYTES = 128 * 1024;

/**
 * Messages of an MQTT 5 broker, QoS 1, in a session that the broker keeps while this device is away. A message is one file
 * of the name of its topic. It is acknowledged when the outbox has it; one that is sent again all the same is recognised
 * (recognise-redeliveries.ts) and acknowledged without being kept twice.
 *
 * With `once`, the source ends when the broker has nothing more that waits.
 */
export function readMqtt(options: MqttOptions): Source {
  const { broker, secrets, clientId, maxMessageBytes } = options;
  const { host, port, tls, topicFilter } = broker;
  return {
    description: `mqtt:${tls ? 'mqtts' : 'mqtt'}://${host}:${port}/${topicFilter}`,
    async run(parts, { once }, signal) {
      const { runtime, primitives, queue, clock, report } = parts;
      const session = {
        ...{ broker, secrets, clientId },
        maxPacketBytes: maxMessageBytes + PACKET_HEAD_BYTES,
        receiveMaximum: RECEIVE_MAXIMUM,
      };
      const pause = createWakeup(runtime);
      const redeliveries = createRedeliveries(parts, clientId);
      const keepMessage = (message: IPublishPacket): Promise<void> => {
        // An empty entry is durable when all before it is, and the message it repeats is one of them.
        if (message.qos === 1 && redeliveries.isKnown(message)) return queue.capture({ blocks: [] });
        const blocks = blocksOfMessage(primitives, message, clock.stamp(), options.blockBytes);
        if (blocks.length === 0) {
          const reason = 'It is empty, but a block holds at least one byte.';
          report({ event: 'skipped', what: message.topic, reason });
          return queue.capture({
            blocks: [],
            beside: () => noteMissed(parts.outbox, message.topic, reason, runtime.nowMs()),
          });
        }
        return queue.capture(message.qos === 1 ? { blocks, file: redeliveries.noteOf(message) } : { blocks });
      };
      let failures = 0;
      while (!signal.aborted) {
        try {
          const events = {
            onConnected(sessionPresent: boolean) {
              if (!sessionPresent) redeliveries.forget();
            },
            onSubscribed() {
              failures = 0;
              noteStep(parts, 'source', null);
            },
            onMessage: (message: IPublishPacket) => keepMessage(message),
            onSettled: (packetIds: readonly number[]) => redeliveries.settle(packetIds),
            room: () => queue.room(),
          };
          await holdSession(runtime, session, events, once, signal);
          return;
        } catch (cause) {
          if (signal.aborted) return;
          if (isLasting(cause)) throw cause;
          failures++;
          const inMs = pauseMs(runtime, options.backoff, failures);
          const reason = reasonOf(cause);
          noteStep(parts, 'source', { reason, failures });
          report({ event: 'retry', step: 'source', reason, inMs });
          await pause.wait(inMs, signal);
        }
      }
    },
  };
}
