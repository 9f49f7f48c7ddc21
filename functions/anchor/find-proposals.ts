import { toHex } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Grant, GrantId, Grants } from '../../core/ports/grants.ts';
import { DEFAULT_GRANT_POLICY, type ServiceSettings } from '../ports.ts';
import { PROPOSALS_SK, proposedPk, relayerPk } from '../state/entries.ts';
import { rememberGrant } from '../state/grant-entry.ts';
import type { AnchorPorts } from './anchor-ports.ts';

/** One scan asks for no more, so that a first one does not take all of a run's time. */
const MAX_BLOCKS = 50_000;
const PAGE = 100;
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
 * random place on: nobody hides a proposal behind many of his own.
 */
export async function findAcceptable(
  ports: AnchorPorts,
  accepting: ReadonlySet<GrantId>,
  signal?: AbortSignal,
): Promise<Grant[]> {
  const { table, grants, grantRecorder, recorder } = ports;
  if (grants === undefined || grantRecorder === undefined) return [];
  const fresh = await scanProposals(ports, grants, signal);
  const proposed = withoutRepeats([...fresh, ...(await pageOfProposals(ports, signal))]).slice(0, PAGE);
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
      if (isLive && isWanted(atLatest, ports.settings())) acceptable.push(atLatest);
    }
  }
  return acceptable;
}

/** Accepted, ended, or too late to be accepted: for good. */
function isSettled(atFinal: Grant | null, nowMs: number): boolean {
  return atFinal !== null && (atFinal.state !== 'proposed' || 1000 * atFinal.endSeconds <= nowMs);
}

function isWanted({ owner, terms }: Grant, { owners, grants = DEFAULT_GRANT_POLICY }: ServiceSettings): boolean {
  return terms.perBatchWei >= grants.minPerBatchWei && (owners.has(owner) || grants.openQuotaBytes !== null);
}

/** Keeps the proposals of blocks that have not been read yet, and answers with them. */
async function scanProposals(
  { table, recorder, anchorSettings }: AnchorPorts,
  grants: Grants,
  signal?: AbortSignal,
): Promise<Proposal[]> {
  const pk = relayerPk(recorder.account);
  const scanned = await table.get(pk, PROPOSALS_SK, signal);
  const { point } = await grants.readGrants([], 'final', signal);
  const fromBlock = scanned === null ? anchorSettings.fromBlock : (scanned.scannedToBlock as number) + 1;
  const toBlock = Math.min(point.blockNumber, fromBlock + MAX_BLOCKS - 1);
  if (toBlock < fromBlock) return [];
  const events = await grants.findProposed({ css: recorder.account }, fromBlock, toBlock, signal);
  const found = events.map(({ id, terms }) => ({ id, dataset: terms.dataset }));
  for (const { id, dataset } of found) {
    await table.put({ pk: proposedPk(recorder.account), sk: id, dataset }, 'any', signal);
  }
  // Where another run has come further meanwhile, this one has nothing to add.
  const condition = scanned === null ? 'absent' : { version: scanned.version };
  await table.put({ pk, sk: PROPOSALS_SK, scannedToBlock: toBlock }, condition, signal);
  return found;
}

function withoutRepeats(proposals: readonly Proposal[]): Proposal[] {
  return [...new Map(proposals.map((proposal) => [proposal.id, proposal])).values()];
}

async function pageOfProposals(
  { table, recorder, primitives }: AnchorPorts,
  signal?: AbortSignal,
): Promise<Proposal[]> {
  const pk = proposedPk(recorder.account);
  const start = `0x${toHex(primitives.randomBytes(4))}`;
  const ahead = await table.query(pk, { from: start, to: '0xg', limit: PAGE }, signal);
  const behind = await table.query(pk, { from: '0x', to: start, limit: PAGE }, signal);
  const items = [...ahead.items, ...behind.items].slice(0, PAGE);
  return items.map(({ sk, dataset }) => ({ id: sk as GrantId, dataset: dataset as DatasetId }));
}
