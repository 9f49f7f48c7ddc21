import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { serveLoopbackPages } from '../../adapters/http/loopback-pages.ts';
import { postWebhook } from '../../adapters/http/post-webhook.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { AlertQueue } from '../../client/sale/watch/alert-queue.ts';
import { SaleWatch } from '../../client/sale/watch/sale-watch.ts';
import { toHex, utf8 } from '../../core/bytes.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { Agent } from '../../library/agent-file.ts';
import type { Output } from '../output.ts';
import { readNotedAlerts, readWebhookFile, saveNotedAlerts } from './alert-files.ts';

/** Some answers of a challenge, where gas is dear. */
export const LOW_BALANCE_WEI = 10n ** 16n;

export interface WatchOptions {
  readonly health?: number;
  readonly alerts?: string;
  readonly poll: number;
}

/** What looks after a server of sales while nobody sits in front of it. */
export interface WatchedSales {
  readonly watch: SaleWatch;
  /** Null where no webhook is named. */
  readonly alerts: AlertQueue | null;
  /** Null where nobody may look. */
  readonly healthPort: number | null;
  close(): Promise<void>;
}

/**
 * Counts what a server does, answers who looks on this machine, and tells a webhook.
 * @throws FileError when a file of alerts cannot be used, ArgumentError when the port cannot
 */
export async function watchSales(
  agent: Agent,
  folder: string,
  options: WatchOptions,
  { output, signal }: { readonly output: Output; readonly signal: AbortSignal },
): Promise<WatchedSales> {
  const alerts =
    options.alerts === undefined ? null : await openAlerts(folder, resolve(options.alerts), output, signal);
  const watch = new SaleWatch({
    ...{ runtime: nodeRuntime, owner: agent.owner, agent: accountOfKey(agent.agentKey) },
    ...{ datasets: agent.datasets.length, pollMs: options.poll, lowBalanceWei: LOW_BALANCE_WEI },
    raise: (alert) => alerts?.raise(alert),
    settle: (cause) => alerts?.settle(cause),
    isNoted: (cause) => alerts?.isNoted(cause) ?? false,
    alerts: () => ({ pending: alerts?.pending ?? 0, givenUp: alerts?.givenUp ?? 0 }),
  });
  const pages =
    options.health === undefined
      ? null
      : await serveLoopbackPages(options.health, {
          '/health': () => {
            const health = watch.health();
            const status = health.status === 'stalled' ? 503 : 200;
            return { status, type: 'application/json', body: `${JSON.stringify(health)}\n` };
          },
          '/metrics': () => ({ status: 200, type: 'text/plain; version=0.0.4', body: watch.metrics() }),
        });
  return {
    ...{ watch, alerts, healthPort: pages?.port ?? null },
    async close() {
      await pages?.close();
      await alerts?.idle();
    },
  };
}

async function openAlerts(folder: string, path: string, output: Output, signal: AbortSignal): Promise<AlertQueue> {
  const webhook = await readWebhookFile(path);
  return new AlertQueue(
    {
      runtime: nodeRuntime,
      known: await readNotedAlerts(folder),
      save: (alerts) => saveNotedAlerts(folder, alerts),
      send: ({ cause, sent: _, ...alert }, until) => {
        const name = toHex(nodePrimitives.sha256(utf8(`${cause} ${alert.atMs}`)));
        return postWebhook(webhook, name, { v: 1, id: name, ...alert }, until);
      },
      onGivenUp: (alert, reason) =>
        output.result(
          { event: 'alert-given-up', agreement: alert.agreement, alert: alert.alert, reason },
          output.style('red', `The alert ${alert.alert} could not be sent: ${reason}`),
        ),
    },
    signal,
  );
}

/** A port of this machine; 0 for any. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError(`${text} is not a port from 0 to 65535.`);
}
