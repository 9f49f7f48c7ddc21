import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { printable } from '../../client/printable.ts';
import type { SaleEvent } from '../../client/sale/sale-event.ts';
import { openSaleState } from '../../client/sale/sale-state.ts';
import { serveSales } from '../../client/sale/serve-sales.ts';
import type { SaleRound } from '../../client/sale/watch/sale-watch.ts';
import { counted } from '../../core/counted.ts';
import { PlumblineError } from '../../core/errors.ts';
import { type Address, NATIVE_COIN } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type Agent, readAgentFile } from '../../library/agent-file.ts';
import { openSaleParts } from '../../library/open-sale-parts.ts';
import { withJson } from '../command-options.ts';
import { parseDuration } from '../device/parse-units.ts';
import { EXIT } from '../exit-codes.ts';
import { heldUpText } from '../held-up-text.ts';
import type { Output } from '../output.ts';
import { runCommand } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';
import { LOW_BALANCE_WEI, parsePort, watchSales } from './watch-sales.ts';

interface ServeOptions {
  readonly agent: string;
  readonly state?: string;
  readonly poll: number;
  readonly once?: boolean;
  readonly health?: number;
  readonly alerts?: string;
  readonly json?: boolean;
}

const BALANCE_EVERY_MS = 60_000;

/** Adds `plumb owner serve`: the owner's side of all sales. */
export function addOwnerServe(owner: Command): void {
  const command = owner
    .command('serve')
    .description(
      'Serve sales until Ctrl-C: hand out keys in return for vouchers, answer challenges and demands, claim earnings.',
    )
    .option('--agent <file>', 'the file that plumb owner agent wrote', 'agent.json')
    .option('--state <folder>', "folder for archives, vouchers and messages (default: sales beside the agent's file)")
    .option('--poll <duration>', 'how often to poll the chain and the mailboxes', parseDuration, 2000)
    .option('--health <port>', 'serve /health and /metrics on this port of 127.0.0.1', parsePort)
    .option(
      '--alerts <file>',
      'send questions, low gas and trouble to a webhook, whose URL is in this file (mode 0600)',
    )
    .option('--once', 'take one step for every sale, then exit; with code 1 if one had trouble')
    .addHelpText('after', EXAMPLES);
  withJson(command).action((options: ServeOptions) =>
    runCommand(options, async ({ output, signal }) => {
      const path = resolve(options.agent);
      const agent = await readAgentFile(path);
      const { chainId, ocasc, owner } = agent;
      const account = accountOfKey(agent.agentKey);
      const folder = resolve(options.state ?? join(dirname(path), 'sales'));
      const state = openSaleState(folder, { chainId, ocasc, owner, agent: account });
      const watching = await watchSales(agent, folder, options, { output, signal }).catch((error) => {
        state.close();
        throw error;
      });
      const { watch } = watching;
      const look = async () => {
        const wei = await readBalance(agent, account, signal);
        watch.noteBalance(wei);
        sayIfLow(account, wei, output);
      };
      // At a challenge it is too late to find out. What goes wrong here goes wrong in a step, too, and is said there.
      const looking = setInterval(() => void look().catch(() => {}), BALANCE_EVERY_MS);
      try {
        const balanceWei = await readBalance(agent, account, signal);
        watch.noteBalance(balanceWei);
        const ready = {
          event: 'ready',
          owner,
          agent: account,
          state: folder,
          balanceWei: balanceWei?.toString() ?? null,
          health: watching.healthPort,
        };
        output.result(ready, `Serving sales of ${owner} as agent ${account}; state in ${folder}. Ctrl-C stops it.`);
        sayIfLow(account, balanceWei, output);
        const opened = openSaleParts(agent, state, (event) => {
          watch.noteEvent(event);
          output.result(event, describe(event, output));
        });
        const parts = { ...opened, eventsKept: async () => watching.alerts?.kept() };
        const once = options.once === true;
        const onRound = (round: SaleRound) => watch.noteRound(round);
        const failing = await serveSales(parts, { pollMs: options.poll, once, onRound }, signal);
        if (once) await watching.alerts?.idle();
        return once && failing > 0 ? EXIT.notIntact : EXIT.ok;
      } finally {
        clearInterval(looking);
        await watching.close();
        state.close();
      }
    }),
  );
}

function sayIfLow(agent: Address, balanceWei: bigint | null, output: Output): void {
  if (balanceWei === null || balanceWei >= LOW_BALANCE_WEI) return;
  output.result(
    { event: 'low-funds', agreement: null, agent, balanceWei },
    output.style(
      'red',
      `Agent ${agent} has ${showAmount(balanceWei, NATIVE_COIN)}. Send it ether: without gas it cannot answer, which may cost the bond.`,
    ),
  );
}

/** Null when the chain does not answer: it may come up later. */
async function readBalance(agent: Agent, account: Address, signal: AbortSignal): Promise<bigint | null> {
  try {
    return BigInt((await createJsonRpc(agent).call('eth_getBalance', [account, 'latest'], signal)) as string);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PlumblineError) return null;
    throw error;
  }
}

function describe(event: SaleEvent, output: Output): string {
  const sale = event.agreement === null ? '' : `${event.agreement.slice(0, 10)}  `;
  switch (event.event) {
    case 'offer-found':
      return `${sale}offered: blocks ${event.first} to ${event.first + event.count - 1} of ${event.dataset}`;
    case 'accepted':
      return `${sale}accepted by ${event.consumer}, until ${timeOf(event.endSeconds)}`;
    case 'archived':
      return `${sale}archived all records of ${counted(event.batches, 'batch')}, proven against the sold log`;
    case 'request':
      return `${sale}request ${event.sequence}: gave keys of ${counted(event.admitted + event.released, 'block')}, refused ${event.refused}`;
    case 'message-refused':
      return `${sale}message ${event.sequence} refused: ${printable(event.reason)}`;
    case 'voucher':
      return `${sale}voucher for ${showAmount(BigInt(event.due), event.token)}, which pays for ${counted(event.paidBlocks, 'block')}`;
    case 'keys-sent':
      return `${sale}message ${event.sequence} posted`;
    case 'challenged':
      return output.style(
        'yellow',
        `${sale}${event.asks === 'chunk' ? 'challenged:' : 'key demanded of'} block ${event.block}, ${event.secondsLeft} s to answer`,
      );
    case 'waiting-for-gas':
      return output.style(
        'yellow',
        `${sale}the answer for block ${event.block} is ready, but its gas costs more than the stake earns. Waiting for cheaper gas, until ${timeOf(event.untilSeconds)} at most`,
      );
    case 'answered':
      return output.style('green', `${sale}answered for block ${event.block} in transaction ${event.txHash}`);
    case 'answers-found':
      return `${sale}all questions up to number ${event.number} are answered on the chain`;
    case 'unanswered':
      return output.style(
        'red',
        `${sale}THE BOND IS IN DANGER: block ${event.block} is not answered yet, ${event.secondsLeft} s left: ${printable(event.reason)}`,
      );
    case 'claimed':
      return `${sale}claimed ${showAmount(BigInt(event.due), event.token)}: ${event.txHash}`;
    case 'closed':
      return `${sale}closed: ${event.txHash}`;
    case 'settled':
      return `${sale}${event.state}, in a final block. Take out what OCASC owes you: plumb owner withdraw`;
    case 'not-servable':
      return output.style('red', `${sale}CANNOT BE SERVED: ${printable(event.reason)}`);
    case 'held-up':
      return output.style('yellow', heldUpText(event.heldUp));
    case 'trouble':
      return output.style('yellow', `${sale}failed, will try again: ${printable(event.reason)}`);
  }
}

function timeOf(seconds: number): string {
  const ms = 1000 * seconds;
  return Number.isFinite(ms) && ms < 8.64e15 ? new Date(ms).toISOString() : `second ${seconds}`;
}

const EXAMPLES = `
It needs the agent's file, but not the owner's key. Its state folder is enough to continue after any crash.

Examples:
  plumb owner serve --agent agent.json
  plumb owner serve --agent agent.json --state /var/lib/plumb/sales --json
  plumb owner serve --agent agent.json --health 9464 --alerts webhook.json
A unit for systemd: docs/examples/plumb-owner-serve.service`;
