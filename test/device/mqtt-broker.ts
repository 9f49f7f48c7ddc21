import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { generate, type IConnectPacket, type IPublishPacket, type Packet, parser } from 'mqtt-packet';

/*
 * The broker's side of MQTT 5 for one client, so that a test can do to a session what no broker does on command: lose an
 * acknowledgement on its way, cut a connection while a message is under way, give packet ids as brokers differ in it.
 */

interface Queued {
  readonly topic: string;
  readonly payload: Buffer;
  readonly properties?: IPublishPacket['properties'];
}

export interface BrokerOptions {
  /** Ids that count on, as mosquitto's do, or always the lowest that is free. */
  readonly ids?: 'counting' | 'lowest';
  /** What becomes of an acknowledgement on its way; lost: the connection ends with it. */
  readonly ackFate?: (packetId: number, nth: number) => 'arrives' | 'lost';
  /** What becomes of a message on its way; lost: the connection ends with it. */
  readonly messageFate?: (nth: number, message: Queued) => 'arrives' | 'lost';
  readonly answerConnect?: (packet: IConnectPacket, nth: number) => Packet | null;
  readonly grant?: number;
}

export class TestBroker {
  readonly connects: IConnectPacket[] = [];
  readonly acks: number[] = [];
  /** Messages sent with the DUP flag. */
  redelivered = 0;
  disconnects = 0;
  pings = 0;
  mostInFlight = 0;
  /** Called when an acknowledgement has arrived, before it counts. */
  onAck: (packetId: number) => void = () => {};
  #session: { inFlight: Map<number, Queued>; subscribed: boolean } | null = null;
  #queue: Queued[] = [];
  #sent = 0;
  #acked = 0;
  #nextId = 0;
  #receiveMaximum = 65_535;
  #socket: Socket | null = null;
  readonly #server: Server;
  readonly #options: BrokerOptions;
  readonly #waiting = new Set<() => void>();

  constructor(options: BrokerOptions = {}) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  publish(topic: string, payload: string | Buffer, properties?: IPublishPacket['properties']): void {
    this.#queue.push({ topic, payload: Buffer.from(payload), ...(properties === undefined ? {} : { properties }) });
    this.#deliver();
  }

  /** Bytes straight onto the connection. */
  send(bytes: Buffer): void {
    this.#socket?.write(bytes);
  }

  /** Forgets the client, its subscription and what waits for it. */
  loseSession(): void {
    this.#session = null;
    this.cut();
  }

  cut(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  get connected(): boolean {
    return this.#socket !== null;
  }

  /** Resolves when everything published has been acknowledged. */
  async drained(): Promise<void> {
    await this.until(() => this.#queue.length === 0 && this.#session?.inFlight.size === 0);
  }

  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    const reached = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      const left = `${this.#queue.length} queued, ${this.#session?.inFlight.size} in flight, ${this.#acked} acknowledged`;
      reached.reject(new Error(`the broker did not come to that within 20 s: ${left}`));
    }, 20_000);
    const look = (): void => {
      if (holds()) reached.resolve();
    };
    this.#waiting.add(look);
    await reached.promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(look);
    });
  }

  async close(): Promise<void> {
    this.cut();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #serve(socket: Socket): void {
    const reader = parser({ protocolVersion: 5 });
    socket.on('error', () => {});
    socket.on('data', (bytes) => reader.parse(bytes));
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null;
      this.#look();
    });
    reader.on('error', () => socket.destroy());
    reader.on('packet', (packet) => {
      if (!socket.destroyed) this.#take(socket, packet);
      this.#look();
    });
  }

  #take(socket: Socket, packet: Packet): void {
    switch (packet.cmd) {
      case 'connect':
        this.#greet(socket, packet);
        return;
      case 'subscribe': {
        const granted = this.#options.grant ?? packet.subscriptions[0]?.qos ?? 0;
        if (this.#session !== null) this.#session.subscribed = granted === 1;
        this.#write({ cmd: 'suback', messageId: packet.messageId as number, granted: [granted] });
        this.#deliver();
        return;
      }
      case 'puback':
        this.#acknowledge(packet.messageId as number);
        return;
      case 'pingreq':
        this.pings++;
        this.#write({ cmd: 'pingresp' });
        return;
      case 'disconnect':
        this.disconnects++;
        socket.end();
    }
  }

  #greet(socket: Socket, packet: IConnectPacket): void {
    this.connects.push(packet);
    const answer = this.#options.answerConnect?.(packet, this.connects.length);
    if (answer !== undefined) {
      if (answer === null) socket.destroy();
      else socket.end(generate(answer, { protocolVersion: 5 }));
      return;
    }
    this.#socket?.destroy();
    this.#socket = socket;
    this.#receiveMaximum = packet.properties?.receiveMaximum ?? 65_535;
    const sessionPresent = packet.clean !== true && this.#session !== null;
    this.#session = sessionPresent ? this.#session : { inFlight: new Map(), subscribed: false };
    this.#write({ cmd: 'connack', reasonCode: 0, sessionPresent });
    // MQTT 5 §4.4: what was not acknowledged is sent again, in its order, under its id.
    for (const [id, message] of this.#session?.inFlight ?? []) {
      if (this.#socket !== socket) return;
      this.redelivered++;
      this.#sendMessage(id, message, true);
    }
    this.#deliver();
  }

  #deliver(): void {
    const session = this.#session;
    while (session?.subscribed === true && this.#socket !== null && session.inFlight.size < this.#receiveMaximum) {
      const message = this.#queue.shift();
      if (message === undefined) return;
      const id = this.#freeId(session.inFlight);
      session.inFlight.set(id, message);
      this.mostInFlight = Math.max(this.mostInFlight, session.inFlight.size);
      this.#sendMessage(id, message, false);
    }
  }

  #sendMessage(messageId: number, { topic, payload, properties }: Queued, dup: boolean): void {
    this.#sent++;
    const fate = this.#options.messageFate?.(this.#sent, { topic, payload });
    if (fate === 'lost') {
      // Properly, so that what was sent before still arrives.
      this.#socket?.end();
      this.#socket = null;
      return;
    }
    const more = properties === undefined ? {} : { properties };
    this.#write({ cmd: 'publish', qos: 1, dup, retain: false, topic, payload, messageId, ...more });
  }

  #freeId(taken: ReadonlyMap<number, unknown>): number {
    if (this.#options.ids === 'lowest') this.#nextId = 0;
    do this.#nextId = (this.#nextId % 65_535) + 1;
    while (taken.has(this.#nextId));
    return this.#nextId;
  }

  #acknowledge(packetId: number): void {
    this.#acked++;
    if (this.#options.ackFate?.(packetId, this.#acked) === 'lost') {
      this.cut();
      return;
    }
    this.onAck(packetId);
    this.acks.push(packetId);
    this.#session?.inFlight.delete(packetId);
    this.#deliver();
  }

  #write(packet: Packet): void {
    this.#socket?.write(generate(packet, { protocolVersion: 5 }));
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}
