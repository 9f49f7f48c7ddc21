import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createMemorySentTransactions } from '../../../adapters/ethereum/memory-sent-transactions.ts';
import { offerBlocks } from '../../../client/sale/offer-blocks.ts';
import type { Terms } from '../../../core/agreement/terms.ts';
import { ENCRYPTED } from '../../../core/charter/kind.ts';
import { PlumblineError } from '../../../core/errors.ts';
import { type Address, type AgreementId, NATIVE_COIN } from '../../../core/ids.ts';
import { type Life, runProcess, type SimulatedProcess } from './process-lives.ts';
import { openOcasc, openOcascInLife, type SaleWorld } from './sale-world.ts';

const LOOK_MS = 120_000;
const MOST_BLOCKS = 5;
/** Long enough for what breaks to heal while a question is open. */
export const WINDOW_SECONDS = 50 * 60;
const DURATION_SECONDS = 100 * 60;
const ACCEPT_WITHIN_SECONDS = 60 * 60;

/**
 * An owner, who offers what is recorded, takes back what nobody wants, and takes out what has been earned. Once its agent has
 * left, it still brings whatever voucher the consumer has signed.
 */
export function runOwner(
  world: SaleWorld,
  {
    agent,
    offersSecret,
    voucherOf,
  }: {
    readonly agent: Address;
    readonly offersSecret: Uint8Array;
    /** The highest that was ever signed; null where the agent is to claim it. */
    readonly voucherOf: (id: AgreementId) => { readonly due: bigint; readonly signature: Uint8Array } | null;
  },
): SimulatedProcess {
  const { dataset, kind, name } = world;
  const { rpc } = openOcasc(world, 'owner');
  const sent = createMemorySentTransactions();
  const random = world.random.fork('terms');
  let terms: Terms | null = null;

  const live = async (life: Life): Promise<void> => {
    const ledger = life.guard(world.ledgerOf('owner'));
    const { market, party } = openOcascInLife(world, life, { rpc, key: world.ownerKey, sent });
    const parts = { primitives: nodePrimitives, ledger, market, party, agent, offersSecret, fromBlock: 0 };
    const { account } = party;

    const step = async (): Promise<void> => {
      const { heads, point } = await ledger.readHeads([dataset], 'final');
      const newest = await ledger.readHeads([], 'latest');
      const size = heads[0]?.size ?? 0;
      if (size === 0) return;
      terms ??= drawTerms(size, point.timestampMs);
      const found = await market.findOffers({ owner: account }, 0, newest.point.blockNumber);
      let isAnyAccepted = false;
      for (const { id, terms: offered } of found) {
        const { agreement, point: now } = await market.readAgreement(id, 'latest');
        if (agreement === null) continue;
        if (agreement.buyer !== null) isAnyAccepted = true;
        const isLate = BigInt(now.timestampMs) > 1000n * offered.acceptBySeconds;
        if (agreement.state === 'offered' && (isLate || isAnyAccepted)) await party.cancel(id);
        const voucher = agreement.buyer === null ? null : voucherOf(id);
        const isOpen = agreement.state !== 'closed' && agreement.state !== 'breached';
        if (voucher !== null && isOpen && voucher.due > agreement.due)
          await party.claim(id, voucher.due, voucher.signature);
      }
      const nowMs = newest.point.timestampMs;
      if (!isAnyAccepted && BigInt(nowMs) < 1000n * terms.acceptBySeconds) {
        const { id, txHash } = await offerBlocks(parts, { name, kind }, terms, { again: false });
        if (txHash !== null) world.note('owner', { offered: id });
      }
      const credit = await market.readCredit(NATIVE_COIN, account, 'latest');
      if (credit > 0n) await party.withdraw(NATIVE_COIN, account);
    };

    for (;;) {
      try {
        await step();
      } catch (cause) {
        if (!(cause instanceof PlumblineError)) throw cause;
        world.note('owner', { trouble: cause.shortMessage });
      }
      await life.runtime.sleep(LOOK_MS);
    }
  };

  const drawTerms = (size: number, nowMs: number): Terms => {
    const count = Math.min(size, random.between(2, MOST_BLOCKS));
    const samples = Math.min(count, random.between(0, 2));
    const fee = BigInt(random.between(0, 50));
    const nowSeconds = Math.floor(nowMs / 1000);
    return {
      ...{ dataset, first: random.between(0, size - count), count, token: NATIVE_COIN },
      ...{
        price: fee + BigInt(random.between(1, 1000)) * 10n ** 12n,
        fee,
        bond: BigInt(random.between(1, 2000)) * 10n ** 12n,
      },
      ...{ stakeWei: BigInt(random.between(1, 10)) * 10n ** 12n, maxChallenges: 2, maxDemands: 2, samples },
      ...{ previews: kind === ENCRYPTED ? Math.min(samples, 1) : 0, windowSeconds: WINDOW_SECONDS },
      ...{ durationSeconds: DURATION_SECONDS, consumer: NATIVE_COIN },
      acceptBySeconds: BigInt(nowSeconds + ACCEPT_WITHIN_SECONDS),
    };
  };
  return runProcess({ ...world, random: world.random.fork('owner'), killedBy: null, live });
}
