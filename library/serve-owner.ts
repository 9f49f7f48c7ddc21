import { join, resolve } from 'node:path';
import type { SaleEvent } from '../client/sale/sale-event.ts';
import { openSaleState } from '../client/sale/sale-state.ts';
import { serveSales } from '../client/sale/serve-sales.ts';
import { accountOfKey } from '../core/typed-data.ts';
import type { Agent } from './agent-file.ts';
import { openSaleParts } from './open-sale-parts.ts';

/** How sales are served. */
export interface ServeOptions {
  /** Ends it. Without one, and without `once`, it never ends. */
  readonly signal?: AbortSignal;
  /** Folder for archives, vouchers and messages; `sales` in the home when absent. One process at a time uses it. */
  readonly state?: string;
  /** Between two looks at chain and mailboxes; two seconds when absent. */
  readonly pollMs?: number;
  /** One step for every sale, then end. */
  readonly once?: boolean;
  /** Told of all that happens. Nothing in it is secret. */
  readonly onEvent?: (event: SaleEvent) => void;
}

const DEFAULT_POLL_MS = 2_000;

/**
 * Serves all sales of an owner as the agent, until aborted.
 * @returns how many sales had trouble in their last step
 * @throws SaleStateError when the folder cannot be used, SaleStateBusyError when another process uses it
 */
export async function serveAsAgent(
  agent: Agent,
  home: string,
  { signal = new AbortController().signal, state, pollMs = DEFAULT_POLL_MS, once = false, onEvent }: ServeOptions,
): Promise<number> {
  const { chainId, ocasc, owner, agentKey } = agent;
  const identity = { chainId, ocasc, owner, agent: accountOfKey(agentKey) };
  const kept = openSaleState(resolve(state ?? join(home, 'sales')), identity);
  try {
    return await serveSales(
      openSaleParts(agent, kept, (event) => onEvent?.(event)),
      { pollMs, once },
      signal,
    );
  } finally {
    kept.close();
  }
}
