import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnPlumb } from './run-plumb.ts';

const PATIENCE_MS = 60_000;

/** `plumb owner serve … --json` as a process, and what it says. */
export function startServing(args: readonly string[]) {
  const child: ChildProcess = spawnPlumb(args);
  const lines: Record<string, unknown>[] = [];
  let wake = Promise.withResolvers<void>();
  const over = once(child, 'close').then(() => wake.resolve());
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    lines.push(JSON.parse(line));
    wake.resolve();
  });
  child.stderr?.resume();
  return {
    child,
    /** The first line of an event, once there are so many of it. */
    async said(event: string, times = 1): Promise<Record<string, string | number>> {
      for (const untilMs = Date.now() + PATIENCE_MS; ; ) {
        const found = lines.filter((line) => line.event === event);
        if (found.length >= times) return found[0] as Record<string, string | number>;
        const leftMs = untilMs - Date.now();
        if (leftMs <= 0 || child.exitCode !== null) throw new Error(`never said ${event}: ${JSON.stringify(lines)}`);
        wake = Promise.withResolvers();
        await Promise.race([wake.promise, sleep(Math.min(leftMs, 1000), undefined, { ref: false })]);
      }
    },
    async kill(signal: NodeJS.Signals): Promise<void> {
      child.kill(signal);
      await over;
    },
  };
}

export interface ToldAlert {
  readonly id: string;
  readonly alert: string;
  readonly agreement: string | null;
}

/** A webhook that hears and does not answer until it is told to. */
export async function startReceiver() {
  const told: ToldAlert[] = [];
  const open: ServerResponse[] = [];
  let next = Promise.withResolvers<ToldAlert>();
  const server = createServer((asked, answer) => {
    const parts: Buffer[] = [];
    asked.on('data', (part) => parts.push(part));
    asked.on('end', () => {
      const alert = JSON.parse(Buffer.concat(parts).toString()) as ToldAlert;
      if (asked.headers['idempotency-key'] !== alert.id) throw new Error('another id in the header than in the body');
      if (receiver.answers) {
        told.push(alert);
        answer.writeHead(204).end();
      } else {
        open.push(answer);
        next.resolve(alert);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    answers: false,
    /** What it has answered. */
    told: told as readonly ToldAlert[],
    /** The next that is not answered. */
    async next(): Promise<ToldAlert> {
      const alert = await next.promise;
      next = Promise.withResolvers();
      return alert;
    },
    close(): void {
      for (const answer of open) answer.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
  return receiver;
}
