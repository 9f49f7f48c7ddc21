import type { Socket } from 'node:net';
import { generate, type IConnackPacket, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import type { Runtime, Timer } from '../../core/ports/runtime.ts';
import { waitAtMost } from '../steps/wait-at-most.ts';
import { type Acknowledgements, createAcknowledgements } from './acknowledgements.ts';
import { BrokerError, reasonText } from './broker-error.ts';
import { connectPacket, KEEPALIVE_SECONDS, readConnack, refusalOfGrant, subscribePacket } from './greetings.ts';
import { openSocket } from './open-socket.ts';
import type { Broker } from './parse-broker.ts';
import type { BrokerSecrets } from './read-secrets.ts';

export interface SessionOptions {
  readonly broker: Broker;
  readonly secrets: BrokerSecrets;
  readonly clientId: string;
  /** Packets beyond this are a reason to leave; the broker is told, and then does not send them. */
  readonly maxPacketBytes: number;
  /** Messages that the broker is to send ahead of their acknowledgements; no more is read of one that sends more. */
  readonly receiveMaximum: number;
}

export interface SessionEvents {
  /** The broker has the session, with what waits in it, or begins a new one. */
  onConnected(sessionPresent: boolean): void;
  /** Subscribed: from here on nothing is missed. */
  onSubscribed(): void;
  /** Resolves when the message may be acknowledged; the acknowledgements leave in the order of the messages. */
  onMessage(message: IPublishPacket): Promise<void>;
  /** The broker is known to have these acknowledgements: it will not send these messages again. */
  onSettled(packetIds: readonly number[]): void;
  /** Resolves when more may be read. */
  room(): Promise<void>;
}

const SETTLE_MS = 1000;
const CONNACK_TIMEOUT_MS = 15_000;
const GOODBYE_MS = 1000;

/**
 * One connection to the broker, from CONNECT to DISCONNECT: subscribes with QoS 1 in a persistent session, hands on what
 * comes, acknowledges what `onMessage` says is kept. Returns when aborted (with `once`, when the broker has nothing more),
 * after what was read is acknowledged.
 * @throws BrokerError when the connection ends otherwise, in whatever way
 */
export async function holdSession(
  runtime: Runtime,
  options: SessionOptions,
  events: SessionEvents,
  once: boolean,
  signal: AbortSignal,
): Promise<void> {
  const socket = await openSocket(runtime, options.broker, options.secrets, signal);
  const session = new Session(runtime, socket, options, events, once);
  await session.run(signal);
}

class Session {
  readonly #runtime: Runtime;
  readonly #socket: Socket;
  readonly #options: SessionOptions;
  readonly #events: SessionEvents;
  readonly #once: boolean;
  readonly #parser = parser({ protocolVersion: 5 });
  readonly #ended = Promise.withResolvers<void>();
  readonly #acknowledgements: Acknowledgements;
  #connected = false;
  #subscribed = false;
  #stopping = false;
  /** Set when leaving: resolved by the answer to a ping. */
  #leaving: PromiseWithResolvers<void> | null = null;
  #pingedMs = Number.NEGATIVE_INFINITY;
  #pingIsOpen = false;
  #quietSincePing = true;
  #keepaliveMs = KEEPALIVE_SECONDS * 1000;

  constructor(runtime: Runtime, socket: Socket, options: SessionOptions, events: SessionEvents, once: boolean) {
    this.#runtime = runtime;
    this.#socket = socket;
    this.#options = options;
    this.#events = events;
    this.#once = once;
    this.#acknowledgements = createAcknowledgements(
      (messageId) => this.#send({ cmd: 'puback', messageId, reasonCode: 0 }),
      (cause) => this.#fail('unavailable', 'a message could not be kept', cause),
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#socket.on('data', (bytes) => this.#take(bytes));
    this.#socket.on('error', (cause: NodeJS.ErrnoException) =>
      this.#fail('unavailable', cause.code ?? cause.message, cause),
    );
    this.#socket.on('close', () => this.#fail('unavailable', 'it closed the connection'));
    this.#parser.on('packet', (packet) => this.#handle(packet));
    this.#parser.on('error', (cause) => this.#fail('answer', 'it sent something that is not MQTT 5', cause));
    const onAbort = (): void => void this.#leave();
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    const connackTimer = this.#runtime.after(CONNACK_TIMEOUT_MS, () => {
      if (!this.#connected) this.#fail('unavailable', `no answer within ${CONNACK_TIMEOUT_MS} ms`);
    });
    let pingTimer: Timer;
    const look = (): void => {
      this.#pingWhenDue();
      pingTimer = this.#runtime.after(SETTLE_MS, look);
    };
    pingTimer = this.#runtime.after(SETTLE_MS, look);
    this.#send(connectPacket(this.#options));
    try {
      await this.#ended.promise;
    } finally {
      connackTimer.stop();
      pingTimer.stop();
      signal.removeEventListener('abort', onAbort);
      this.#stopping = true;
      this.#socket.destroy();
    }
  }

  #take(bytes: Buffer): void {
    if (this.#stopping) return;
    // What is left over is the beginning of one packet.
    const waitingBytes = this.#parser.parse(bytes);
    if (waitingBytes > this.#options.maxPacketBytes) {
      this.#fail('answer', `it sent a packet of more than ${this.#options.maxPacketBytes} bytes`);
      return;
    }
    this.#socket.pause();
    const resume = (): void => void this.#socket.resume();
    Promise.all([this.#events.room(), this.#caughtUp()]).then(resume, resume);
  }

  /**
   * mosquitto 2.0.11 with `max_inflight_messages 0` runs further ahead than the maximum it was given. Leaving it would make
   * it begin again as far ahead; what is not read bounds it as well, and gets on.
   */
  #caughtUp(): Promise<void> | undefined {
    const isAhead = this.#acknowledgements.countOpen() > this.#options.receiveMaximum;
    return isAhead ? this.#acknowledgements.caughtUp() : undefined;
  }

  #handle(packet: Packet): void {
    if (this.#stopping) return;
    if (!this.#connected) {
      if (packet.cmd === 'connack') this.#greet(packet);
      else this.#fail('answer', `its first packet is ${packet.cmd}`);
      return;
    }
    if (this.#leaving !== null && packet.cmd !== 'pingresp') return;
    switch (packet.cmd) {
      case 'suback':
        this.#noteSubscribed(packet.granted[0]);
        return;
      case 'publish':
        this.#receive(packet);
        return;
      case 'pingresp':
        this.#settle();
        return;
      case 'disconnect':
        this.#fail('refused', `it ends the connection: ${reasonText(packet.reasonCode)}`);
        return;
      default:
        this.#fail('answer', `it sent ${packet.cmd}, which this device did not ask for`);
    }
  }

  #greet(packet: IConnackPacket): void {
    const answer = readConnack(packet);
    if ('refusal' in answer) {
      this.#fail('refused', answer.refusal);
      return;
    }
    this.#keepaliveMs = answer.keepaliveMs;
    this.#connected = true;
    this.#events.onConnected(packet.sessionPresent);
    this.#send(subscribePacket(this.#options.broker.topicFilter));
  }

  #noteSubscribed(granted: unknown): void {
    const refusal = refusalOfGrant(granted);
    if (refusal !== null) {
      this.#fail('refused', refusal);
      return;
    }
    this.#subscribed = true;
    this.#events.onSubscribed();
    if (this.#once) this.#ping();
  }

  #receive(message: IPublishPacket): void {
    const { qos, messageId, topic } = message;
    this.#quietSincePing = false;
    if (qos > 1 || topic === '' || (qos === 1 && messageId === undefined)) {
      this.#fail(
        'answer',
        'it sent a message that does not match this subscription; another program may use the same client id',
      );
      return;
    }
    this.#acknowledgements.add(this.#events.onMessage(message), qos === 1 ? (messageId as number) : null);
  }

  #pingWhenDue(): void {
    if (!this.#connected) return;
    const sinceMs = this.#runtime.monotonicMs() - this.#pingedMs;
    if (!this.#pingIsOpen) {
      if (this.#acknowledgements.haveLeft() || sinceMs > this.#keepaliveMs / 2) this.#ping();
    } else if (sinceMs > KEEPALIVE_SECONDS * 1000) {
      this.#fail('unavailable', `no answer to a ping within ${KEEPALIVE_SECONDS} s`);
    }
  }

  #ping(): void {
    if (this.#pingIsOpen) return;
    this.#pingIsOpen = true;
    this.#pingedMs = this.#runtime.monotonicMs();
    this.#acknowledgements.ping();
    this.#quietSincePing = true;
    this.#send({ cmd: 'pingreq' });
  }

  /** A connection is read in order: with the answer to a ping, the broker has all that was acknowledged before it. */
  #settle(): void {
    this.#pingIsOpen = false;
    const settled = this.#acknowledgements.settle();
    if (settled.length > 0) this.#events.onSettled(settled);
    this.#leaving?.resolve();
    if (this.#leaving !== null) return;
    if (!this.#once || !this.#subscribed) return;
    const isIdle = this.#acknowledgements.countOpen() === 0 && !this.#acknowledgements.haveLeft();
    if (this.#quietSincePing && isIdle) void this.#leave();
    else void this.#acknowledgements.caughtUp().then(() => this.#ping());
  }

  /**
   * Acknowledges what was read, if it is kept in time, and takes leave once the broker has it; the broker keeps the session,
   * and what comes meanwhile for the next connection.
   */
  async #leave(): Promise<void> {
    if (this.#stopping || this.#leaving !== null) return;
    const settled = Promise.withResolvers<void>();
    this.#leaving = settled;
    const goodbye = async (): Promise<void> => {
      await this.#acknowledgements.caughtUp();
      if (this.#acknowledgements.areSettled()) return;
      // Not behind an older ping, which does not speak for what was acknowledged since.
      if (this.#pingIsOpen) await settled.promise;
      this.#leaving = Promise.withResolvers<void>();
      if (!this.#acknowledgements.haveLeft()) return;
      this.#ping();
      await this.#leaving.promise;
    };
    await waitAtMost(this.#runtime, GOODBYE_MS, goodbye());
    this.#stopping = true;
    const bytes = generate({ cmd: 'disconnect', reasonCode: 0 }, { protocolVersion: 5 });
    await waitAtMost(this.#runtime, GOODBYE_MS, new Promise<void>((resolve) => this.#socket.end(bytes, resolve)));
    this.#ended.resolve();
  }

  #send(packet: Packet): void {
    if (this.#socket.writable) this.#socket.write(generate(packet, { protocolVersion: 5 }));
  }

  #fail(kind: BrokerError['kind'], reason: string, cause?: unknown): void {
    if (this.#stopping) return;
    this.#stopping = true;
    const { host, port } = this.#options.broker;
    this.#ended.reject(new BrokerError(`MQTT broker ${host}:${port}: ${reason}.`, kind, { cause }));
  }
}
