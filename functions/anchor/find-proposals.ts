import { toHex } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Grant, GrantId, Grants } from '../../core/ports/grants.ts';
import type { Item } from '../../core/ports/table.ts';
import { PROPOSALS_SK, proposedPk } from '../state/entries.ts';
import { rememberGrant } from '../state/grant-entry.ts';
import type { AnchorPorts } from './anchor-ports.ts';

/** One scan asks for no more, so that a first one does not take all of a run's time. */
const MAX_BLOCKS = 50_000;
const UNNOTED_BLOCKS = 100;
const PAGE = 100;
const LAST_GRANT = '0xg';
/** A grant that ends sooner is not worth its acceptance. */
const LEAST_LIFE_MS = 60_000;

interface Proposal {
  readonly id: GrantId;
  readonly dataset: DatasetId;
}

/**
 * Looks for proposals to this service's account in the final chain, as far as it has not been read yet, and answers with the
 * grants to be accepted now. Proposals are kept until they are accepted or over, finally, so that a reorganisation loses none
 * and an owner who is admitted later need not propose again. The newest are looked at first, then some of the others, from a
 * random place on: nobody hides a proposal behind many others.
 */
export async function findAcceptable(
  ports: AnchorPorts,
  accepting: ReadonlySet<GrantId>,
  signal?: AbortSignal,
): Promise<Grant[]> {
  const { table, grants, grantRecorder, recorder } = ports;
  if (grants === null || grantRecorder === null) return [];
  const proposed = await gatherProposals(ports, grants, signal);
  if (proposed.length === 0) return [];
  const acceptable: Grant[] = [];
  const ids = proposed.map(({ id }) => id);
  const [final, latest] = [
    await grants.readGrants(ids, 'final', signal),
    await grants.readGrants(ids, 'latest', signal),
  ];
  for (const [i, { id, dataset }] of proposed.entries()) {
    const [atFinal, atLatest] = [final.grants[i] ?? null, latest.grants[i] ?? null];
    if (atLatest?.state === 'accepted') await rememberGrant(table, dataset, id, signal);
    if (isSettled(atFinal, final.point.timestampMs)) {
      await table.delete(proposedPk(recorder.account), id, 'any', signal);
    } else if (atFinal?.state === 'proposed' && atLatest?.state === 'proposed' && !accepting.has(id)) {
      const isLive = 1000 * atLatest.endSeconds > latest.point.timestampMs + LEAST_LIFE_MS;
      if (isLive && (await isWanted(ports, atLatest, signal))) acceptable.push(atLatest);
    }
  }
  return acceptable;
}

/** Accepted, ended, or too late to be accepted: for good. */
function isSettled(atFinal: Grant | null, nowMs: number): boolean {
  return atFinal !== null && (atFinal.state !== 'proposed' || 1000 * atFinal.endSeconds <= nowMs);
}

async function isWanted({ owners, settings }: AnchorPorts, { owner, terms }: Grant, signal?: AbortSignal) {
  const { minPerRecordWei, openQuotaBytes } = settings().grants;
  if (terms.perRecordWei < minPerRecordWei) return false;
  if (openQuotaBytes !== null) return true;
  const [quotaBytes = null] = await owners.quotasOf([owner], signal);
  return quotaBytes !== null;
}

/** Proposals that are not settled, those of blocks that have not been read yet among them, and first. */
async function gatherProposals(ports: AnchorPorts, grants: Grants, signal?: AbortSignal): Promise<Proposal[]> {
  const { table, recorder, primitives } = ports;
  const pk = proposedPk(recorder.account);
  const start = { from: PROPOSALS_SK, to: LAST_GRANT, limit: PAGE + 1 };
  const { items, next } = await table.query(pk, start, signal);
  const marker = items[0]?.sk === PROPOSALS_SK ? items[0] : null;
  const found = await scanProposals(ports, grants, marker, signal);
  const known = items.filter((item) => item !== marker);
  if (next !== null) {
    const from = `0x${toHex(primitives.randomBytes(4))}`;
    const page = await table.query(pk, { from, to: LAST_GRANT, limit: PAGE }, signal);
    // Those read already come last: they have their turn where this page is short.
    known.unshift(...page.items);
  }
  const proposals = known.map(({ sk, dataset }) => ({ id: sk as GrantId, dataset: dataset as DatasetId }));
  const byId = new Map([...found, ...proposals].map((proposal) => [proposal.id, proposal]));
  return [...byId.values()].slice(0, PAGE);
}

/** Keeps the proposals of blocks that have not been read yet, and answers with them. */
async function scanProposals(
  { table, recorder, anchorSettings }: AnchorPorts,
  grants: Grants,
  marker: Item | null,
  signal?: AbortSignal,
): Promise<Proposal[]> {
  const pk = proposedPk(recorder.account);
  const { point } = await grants.readGrants([], 'final', signal);
  const fromBlock = marker === null ? anchorSettings.fromBlock : (marker.scannedToBlock as number) + 1;
  const toBlock = Math.min(point.blockNumber, fromBlock + MAX_BLOCKS - 1);
  if (toBlock < fromBlock) return [];
  const events = await grants.findProposed({ css: recorder.account }, fromBlock, toBlock, signal);
  const found = events.map(({ id, terms }) => ({ id, dataset: terms.dataset }));
  for (const { id, dataset } of found) await table.put({ pk, sk: id, dataset }, 'any', signal);
  // A few blocks without any are sooner read again than noted in every run.
  if (found.length === 0 && toBlock - fromBlock < UNNOTED_BLOCKS) return [];
  // Where another run has come further meanwhile, this one has nothing to add.
  const condition = marker === null ? 'absent' : { version: marker.version };
  await table.put({ pk, sk: PROPOSALS_SK, scannedToBlock: toBlock }, condition, signal);
  return found;
}
