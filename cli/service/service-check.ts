import type { Command } from 'commander';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { parseAnswer, quantity } from '../../adapters/ethereum/parse-answers.ts';
import { printable } from '../../client/printable.ts';
import { NATIVE_COIN } from '../../core/ids.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { openPorts } from '../../local/serve/open-ports.ts';
import { isHealthy, probeParts, readBalanceWei } from '../../local/serve/probe-parts.ts';
import { readServeSettings, type ServeSettings } from '../../local/serve/serve-settings.ts';
import { withJson } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { runCommand } from '../run-command.ts';
import { showAmount } from '../show-amount.ts';

interface CheckOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** What one node says of the chain. */
interface NodeStanding {
  /** Without what may be a secret. */
  readonly host: string;
  /** Its newest block, and the newest final one; null where it does not answer. */
  readonly latest: number | null;
  readonly final: number | null;
  readonly failure: string | null;
}

/** Adds `plumb service check`. */
export function addServiceCheck(service: Command): void {
  const command = service
    .command('check')
    .description('Check every part of the service once: nodes, contracts, bucket, table, key and its ether.')
    .option('--config <file>', 'settings, as plumb serve takes them')
    .addHelpText('after', EXAMPLES);
  withJson(command).action((options: CheckOptions) =>
    runCommand(options, async ({ output, signal }) => {
      const settings = await readServeSettings(options.config ?? null, process.env);
      const observer = createLineObserver(({ message }) => output.notice(printable(String(message))));
      const nodes = await Promise.all(urlsOf(settings).map((url) => standingOf(url, settings, signal)));
      const opened = await openPorts(settings, observer, signal);
      try {
        const probed = await probeParts(opened, settings, signal);
        const balanceWei =
          probed.chain === null ? await readBalanceWei(opened.rpc, opened.signer.account, signal) : null;
        const answered = nodes.every(({ failure }) => failure === null);
        const ok = isHealthy(probed) && answered && balanceWei !== 0n && !opened.tableIsNew;
        const { account } = opened.signer;
        const tableWasMissing = opened.tableIsNew;
        const found = { ok, nodes, ...probed, account, balanceWei, tableWasMissing };
        output.result(found, describe(found, settings));
        return ok ? EXIT.ok : EXIT.notIntact;
      } finally {
        await opened.close();
      }
    }),
  );
}

function urlsOf({ chain: { rpcUrl, moreRpcUrls } }: ServeSettings): readonly string[] {
  return [rpcUrl, ...moreRpcUrls];
}

async function standingOf(rpcUrl: string, { chain }: ServeSettings, signal: AbortSignal): Promise<NodeStanding> {
  const rpc = createJsonRpc({ ...chain, rpcUrl, moreRpcUrls: [], patienceMs: 2_000 });
  try {
    const latest = parseAnswer(quantity, 'eth_blockNumber', await rpc.call('eth_blockNumber', [], signal));
    const final =
      chain.finalDepth === undefined
        ? await numberOf(rpc.call('eth_getBlockByNumber', ['finalized', false], signal))
        : Math.max(0, latest - chain.finalDepth);
    return { host: rpc.host, latest, final, failure: null };
  } catch (error) {
    signal.throwIfAborted();
    return { host: rpc.host, latest: null, final: null, failure: error instanceof Error ? error.message : '' };
  }
}

async function numberOf(asked: Promise<unknown>): Promise<number> {
  const { number } = (await asked) as { readonly number: unknown };
  return parseAnswer(quantity, 'eth_getBlockByNumber', number);
}

function describe(
  found: { nodes: readonly NodeStanding[]; account: string; balanceWei: bigint | null; tableWasMissing: boolean } & {
    readonly chain: string | null;
    readonly objects: string | null;
    readonly table: string | null;
  },
  { objects, table }: ServeSettings,
): string {
  const { nodes, account, balanceWei, tableWasMissing } = found;
  const said = (failure: string | null): string => (failure === null ? 'answers' : printable(failure));
  return [
    ...nodes.map(({ host, latest, final, failure }) =>
      failure === null ? `node ${host}: block ${latest}, final ${final}` : `node ${host}: ${printable(failure)}`,
    ),
    `contracts: ${said(found.chain)}`,
    `bucket ${objects.bucket}: ${said(found.objects)}`,
    `table ${table.name}: ${said(found.table)}`,
    ...(tableWasMissing
      ? ['The table did not exist and was created. If the old one was lost, run: plumb service rebuild']
      : []),
    `account ${account}: ${balanceWei === null ? 'unknown balance' : showAmount(balanceWei, NATIVE_COIN)}`,
    ...(balanceWei === 0n ? ['The account has no ether, so nothing is recorded. Send it some.'] : []),
  ].join('\n');
}

const EXAMPLES = `
Exit codes: 0 every part works, 1 a part does not answer or lacks something, 2 wrong settings or keys, 3 the table does not answer.

Example:
  plumb service check --config serve.json`;
