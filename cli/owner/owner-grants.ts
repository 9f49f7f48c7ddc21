import type { Command } from 'commander';
import { counted } from '../../core/counted.ts';
import { ArgumentError } from '../../core/errors.ts';
import { NATIVE_COIN } from '../../core/ids.ts';
import type { Grant, GrantId, Grants } from '../../core/ports/grants.ts';
import { type Connection, readConnection } from '../../library/connection.ts';
import { readDatasets } from '../../library/dataset-list.ts';
import { openGranter, openGrants } from '../../library/open-contracts.ts';
import type { OpenedOwner } from '../../library/opened-owner.ts';
import { resolveId, shortIds } from '../../library/short-ids.ts';
import { withKeystoreOptions } from '../command-options.ts';
import { EXIT } from '../exit-codes.ts';
import { parseAmount } from '../parse-arguments.ts';
import { type CommandContext, runCommand } from '../run-command.ts';
import { showAmount, showSeconds } from '../show-amount.ts';
import { openOwner } from './owner-home.ts';

interface Opened {
  readonly context: CommandContext;
  readonly owner: OpenedOwner;
  readonly connection: Connection;
  readonly grants: Grants;
}

/** Adds `plumb owner grants`, `fund`, `revoke` and `reclaim`: the owner's side of ASC after `authorise`. */
export function addOwnerGrants(owner: Command): void {
  const list = owner
    .command('grants')
    .description("List this owner's grants and their remaining fuel.")
    .addHelpText('after', '\nExamples:\n  plumb owner grants\n  plumb owner grants --json');
  withKeystoreOptions(list).action((options: { json?: boolean }) =>
    runCommand(options, (context) => open(context, listAll)),
  );

  const fund = owner
    .command('fund')
    .description('Add fuel to an accepted grant. Unused fuel comes back when the grant ends.')
    .argument('<grant>', 'id of the grant, or its beginning')
    .argument('<amount>', 'such as 0.01ether', parseAmount)
    .addHelpText('after', '\nExamples:\n  plumb owner fund 0x… 0.01ether');
  withKeystoreOptions(fund).action((grant: string, wei: bigint, options: { json?: boolean }) =>
    runCommand(options, (context) =>
      open(context, async (opened) => {
        const { owner, connection, grants } = opened;
        const id = await resolveGrant(opened, grant);
        const transaction = await openGranter(context, connection, owner).fund(id, wei, context.signal);
        return show(context, await readGrant(grants, id, context.signal), transaction);
      }),
    ),
  );

  const revoke = owner
    .command('revoke')
    .description('Revoke a grant: the service stops serving consumers, and you pay for records a little longer.')
    .argument('<grant>', 'id of the grant, or its beginning')
    .addHelpText('after', '\nExamples:\n  plumb owner revoke 0x12345678');
  withKeystoreOptions(revoke).action((grant: string, options: { json?: boolean }) =>
    runCommand(options, (context) =>
      open(context, async (opened) => {
        const { owner, connection, grants } = opened;
        const id = await resolveGrant(opened, grant);
        const before = await readGrant(grants, id, context.signal);
        const party = openGranter(context, connection, owner);
        const isOver = before.revoked || before.state === 'ended';
        // What nobody has accepted is dropped, and that at once.
        const call = before.state === 'proposed' ? party.drop : party.revoke;
        const transaction = isOver ? null : await call(id, context.signal);
        return show(context, await readGrant(grants, id, context.signal), transaction);
      }),
    ),
  );

  const reclaim = owner
    .command('reclaim')
    .description('End all expired grants, and take out their remaining fuel.')
    .addHelpText('after', '\nExamples:\n  plumb owner reclaim');
  withKeystoreOptions(reclaim).action((options: { json?: boolean }) =>
    runCommand(options, (context) => open(context, reclaimAll)),
  );
}

async function open(context: CommandContext, run: (opened: Opened) => Promise<number>): Promise<number> {
  const connection = await readConnection(context);
  const owner = await openOwner(context);
  return run({ context, owner, connection, grants: openGrants(connection) });
}

async function listAll(opened: Opened): Promise<number> {
  const { found } = await findAll(opened);
  const short = shortIds(found.map(({ id }) => id));
  opened.context.output.result(
    { owner: opened.owner.address, grants: found },
    found.length === 0 ? 'No grants.' : found.map((grant) => text(grant, short)).join('\n'),
  );
  return EXIT.ok;
}

async function reclaimAll(opened: Opened): Promise<number> {
  const { context, owner, connection, grants } = opened;
  const { signal } = context;
  const party = openGranter(context, connection, owner);
  const { found, nowSeconds } = await findAll(opened);
  const ended: GrantId[] = [];
  for (const { id, state, endSeconds } of found) {
    if (state === 'ended' || nowSeconds < endSeconds) continue;
    await party.end(id, signal);
    ended.push(id);
  }
  const wei = await grants.readCreditWei(owner.address, 'latest', signal);
  const transaction = wei === 0n ? null : await party.withdraw(owner.address, signal);
  const running = found.filter(({ id, state }) => state !== 'ended' && !ended.includes(id)).length;
  context.output.result(
    { account: owner.address, ended, wei, transaction, running },
    `${counted(ended.length, 'grant')} ended, ${running} still running; ${showAmount(wei, NATIVE_COIN)} came back.`,
  );
  return EXIT.ok;
}

async function findAll(opened: Opened): Promise<{ found: Grant[]; nowSeconds: number }> {
  const { context, grants } = opened;
  const { point } = await grants.readGrants([], 'latest', context.signal);
  const found: Grant[] = [];
  for (const ids of await findIds(opened, point.blockNumber)) {
    const read = await grants.readGrants(ids, 'latest', context.signal);
    found.push(...read.grants.filter((grant) => grant !== null));
  }
  // Where nothing happens the newest block is old.
  return { found, nowSeconds: Math.max(Math.floor(point.timestampMs / 1000), Math.floor(Date.now() / 1000)) };
}

/** Those that this owner has proposed, of each dataset that has some. */
async function findIds({ context, owner, connection, grants }: Opened, toBlock: number): Promise<GrantId[][]> {
  const found: GrantId[][] = [];
  for (const { dataset } of await readDatasets(context.home)) {
    const proposed = await grants.findProposed({ dataset }, connection.fromBlock, toBlock, context.signal);
    const ids = proposed.filter((one) => one.owner === owner.address).map(({ id }) => id);
    if (ids.length > 0) found.push(ids);
  }
  return found;
}

/** The grant of this owner whose id begins so. @throws ArgumentError when it is not exactly one */
function resolveGrant(opened: Opened, text: string): Promise<GrantId> {
  return resolveId(text, 'a grant', async () => {
    const { point } = await opened.grants.readGrants([], 'latest', opened.context.signal);
    return (await findIds(opened, point.blockNumber)).flat();
  });
}

async function readGrant(grants: Grants, id: GrantId, signal: AbortSignal): Promise<Grant> {
  const [grant] = (await grants.readGrants([id], 'latest', signal)).grants;
  if (grant != null) return grant;
  throw new ArgumentError(`There is no grant ${id} on this chain. To list yours: plumb owner grants`);
}

function show({ output }: CommandContext, grant: Grant, transaction: object | null): number {
  output.result({ ...grant, transaction }, text(grant));
  return EXIT.ok;
}

function text({ id, terms, state, endSeconds, revoked, fuelWei }: Grant, short = (whole: string) => whole): string {
  const kinds = [terms.digests ? 'digests (III)' : '', terms.blocks ? 'blocks (IV)' : ''].filter((kind) => kind !== '');
  const every = terms.intervalSeconds === 0 ? '' : `, one in ${terms.intervalSeconds} s`;
  return [
    `${short(id)}   ${state}${revoked ? ', revoked' : ''}`,
    `  dataset   ${terms.dataset}, ${kinds.join(' and ')}`,
    `  service   ${terms.css}, until ${showSeconds(endSeconds)}`,
    `  fuel      ${showAmount(fuelWei, NATIVE_COIN)}, for each record ${showAmount(terms.perRecordWei, NATIVE_COIN)}${every}`,
  ].join('\n');
}
