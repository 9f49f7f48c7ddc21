import type { DatasetName } from '../../core/charter/dataset-name.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { NotRecordedError } from '../../core/errors.ts';
import type { Grant, GrantParty, Grants, GrantTerms } from '../../core/ports/grants.ts';
import type { Runtime } from '../../core/ports/runtime.ts';

export interface AuthoriseParts {
  readonly grants: Grants;
  /** ASC as the owner. */
  readonly party: GrantParty;
  readonly fromBlock: number;
  readonly runtime: Runtime;
}

export interface Authorised {
  readonly grant: Grant;
  /** Of the proposal; null when the very same grant stood already. */
  readonly txHash: string | null;
  /** What was added now. */
  readonly fundedWei: bigint;
}

const POLL_MS = 500;

/**
 * Lets a CSS serve a dataset's consumers: proposes, waits for the CSS to accept, brings the fuel. Whatever was done before is
 * not done again: a grant with the same terms (but for its last day) that stands already is gone on with, and its fuel is
 * filled up to what is wanted.
 * LedgerUnavailableError without the chain
 * @throws StateError when ASC refuses; NotRecordedError when the proposal is not mined in time, or gone;
 * LedgerUnavailableError without the chain
 *
 * @example
 * import { encodeDatasetName } from 'plumbline/core/charter/dataset-name';
 * import { ENCRYPTED } from 'plumbline/core/charter/kind';
 * const untilSeconds = Math.floor(Date.now() / 1000) + 86_400;
 * const scope = { first: 0, count: Number.MAX_SAFE_INTEGER, maxBlocks: 0xffff_ffff, digests: true, blocks: true };
 * const pay = { perRecordWei: 0n, intervalSeconds: 0, windowSeconds: 86_400 };
 * const parts = { grants, party: granter, fromBlock, runtime };
 * const weather = { name: encodeDatasetName('weather'), kind: ENCRYPTED };
 * const terms = { dataset, css: operator, ...scope, ...pay, untilSeconds };
 * const { grant } = await authoriseCss(parts, weather, terms, { fuelWei: 0n, waitMs: 60_000 });
 * console.log(grant.state); // accepted
 */
export async function authoriseCss(
  { grants, party, fromBlock, runtime }: AuthoriseParts,
  dataset: { readonly name: DatasetName; readonly kind: DatasetKind },
  terms: GrantTerms,
  options: { readonly fuelWei: bigint; readonly waitMs: number },
  signal?: AbortSignal,
): Promise<Authorised> {
  const { point } = await grants.readGrants([], 'latest', signal);
  const found = await findStanding(grants, party, terms, { from: fromBlock, to: point.blockNumber }, signal);
  const proposed = found === null ? await party.authorise(dataset, terms, signal) : null;
  const id = found?.id ?? (proposed?.grant as Grant['id']);
  const untilMs = runtime.monotonicMs() + options.waitMs;
  for (;;) {
    const [grant] = (await grants.readGrants([id], 'latest', signal)).grants;
    if (grant == null) throw new NotRecordedError(`The chain does not have grant ${id}. Try again.`);
    const txHash = proposed?.transaction.txHash ?? null;
    if (grant.state === 'accepted') {
      const fundedWei = options.fuelWei > grant.fuelWei ? options.fuelWei - grant.fuelWei : 0n;
      if (fundedWei > 0n) await party.fund(id, fundedWei, signal);
      return { grant: { ...grant, fuelWei: grant.fuelWei + fundedWei }, txHash, fundedWei };
    }
    if (grant.state === 'ended' || runtime.monotonicMs() >= untilMs) return { grant, txHash, fundedWei: 0n };
    await runtime.sleep(POLL_MS, signal);
  }
}

async function findStanding(
  grants: Grants,
  party: GrantParty,
  terms: GrantTerms,
  blocks: { readonly from: number; readonly to: number },
  signal?: AbortSignal,
): Promise<Grant | null> {
  const { dataset, css } = terms;
  const proposals = await grants.findProposed({ dataset, css }, blocks.from, blocks.to, signal);
  const wanted = comparable(terms);
  const same = proposals.filter((one) => one.owner === party.account && comparable(one.terms) === wanted);
  const ids = same.map(({ id }) => id);
  const { grants: found, point } = await grants.readGrants(ids, 'latest', signal);
  const stands = (grant: Grant | null): grant is Grant =>
    grant !== null && grant.state !== 'ended' && !grant.revoked && 1000 * grant.endSeconds > point.timestampMs;
  return found.reverse().find(stands) ?? null;
}

function comparable({ untilSeconds: _, ...terms }: GrantTerms): string {
  return JSON.stringify(
    Object.entries(terms)
      .map(([name, value]) => [name, String(value)])
      .sort(),
  );
}
