import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Room {
  /** Told of every request: from when all of it is in until it is answered, its connection is not closed for others. */
  take(incoming: IncomingMessage, response: ServerResponse): void;
  /** Connections at the moment, and how many were closed to make room. */
  readonly counted: { readonly open: number; readonly evicted: number };
}

/**
 * Bounds a server's connections so that idle ones keep nobody out: when there are too many, the one is closed that has gone
 * longest without a whole request (silent, slow in its headers or its body, or kept alive). Whoever is being answered stays;
 * only where all are, is a new one refused. A server's own bound would refuse every newcomer instead.
 */
export function keepRoom(server: Server, mostConnections: number): Room {
  /** In the order in which they became idle. */
  const idle = new Set<Socket>();
  const busy = new Map<Socket, number>();
  let evicted = 0;
  server.on('connection', (socket: Socket) => {
    idle.add(socket);
    socket.once('close', () => {
      idle.delete(socket);
      busy.delete(socket);
    });
    if (idle.size + busy.size <= mostConnections) return;
    const [oldest] = idle;
    evicted += 1;
    idle.delete(oldest as Socket);
    oldest?.destroy();
  });
  const settle = (socket: Socket): void => {
    const left = (busy.get(socket) ?? 1) - 1;
    if (left > 0) {
      busy.set(socket, left);
      return;
    }
    busy.delete(socket);
    if (!socket.destroyed) idle.add(socket);
  };
  return {
    take(incoming, response) {
      const { socket } = incoming;
      let isWhole = false;
      incoming.once('end', () => {
        if (socket.destroyed || response.closed) return;
        isWhole = true;
        idle.delete(socket);
        busy.set(socket, (busy.get(socket) ?? 0) + 1);
      });
      response.once('close', () => {
        if (isWhole) settle(socket);
      });
    },
    get counted() {
      return { open: idle.size + busy.size, evicted };
    },
  };
}
