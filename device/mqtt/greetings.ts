import type { IConnackPacket, Packet } from 'mqtt-packet';
import { reasonText } from './broker-error.ts';
import type { BrokerSecrets } from './read-secrets.ts';

/** What the broker keeps while this device is away (seconds); it may allow less. */
const SESSION_EXPIRY_SECONDS = 30 * 86_400;
export const KEEPALIVE_SECONDS = 30;
const SUBSCRIBE_ID = 1;

/** Asks for a session that the broker keeps. */
export function connectPacket(options: {
  readonly secrets: BrokerSecrets;
  readonly clientId: string;
  readonly maxPacketBytes: number;
  readonly receiveMaximum: number;
}): Packet {
  const { clientId, receiveMaximum, maxPacketBytes: maximumPacketSize } = options;
  const { username, password } = options.secrets;
  return {
    cmd: 'connect',
    ...{ protocolId: 'MQTT', protocolVersion: 5, clientId, clean: false, keepalive: KEEPALIVE_SECONDS },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Buffer.from(password) }),
    properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS, receiveMaximum, maximumPacketSize },
  };
}

/** Whether the broker takes this device on, and how long nothing may come from it; else why not. */
export function readConnack(packet: IConnackPacket): { readonly keepaliveMs: number } | { readonly refusal: string } {
  const code = packet.reasonCode ?? packet.returnCode;
  if (code !== 0) return { refusal: `it refuses: ${reasonText(code)}` };
  const { sessionExpiryInterval = SESSION_EXPIRY_SECONDS, serverKeepAlive } = packet.properties ?? {};
  if (sessionExpiryInterval === 0) {
    return { refusal: 'it keeps no session while this device is offline, so messages would be lost' };
  }
  // 0: the broker does not mind how long nothing comes.
  const minds = serverKeepAlive !== undefined && serverKeepAlive > 0;
  return { keepaliveMs: (minds ? serverKeepAlive : KEEPALIVE_SECONDS) * 1000 };
}

export function subscribePacket(topic: string): Packet {
  // rh 2: what is retained was published before; recording it again with each new session would record it twice.
  const subscriptions = [{ topic, qos: 1 as const, nl: false, rap: true, rh: 2 }];
  return { cmd: 'subscribe', messageId: SUBSCRIBE_ID, subscriptions };
}

/** Why a subscription is of no use, as it was granted; null when it is. */
export function refusalOfGrant(granted: unknown): string | null {
  if (granted === 1) return null;
  const answer = granted === 0 ? 'only QoS 0, which loses messages' : reasonText(Number(granted));
  return `it refused the subscription: ${answer}`;
}
