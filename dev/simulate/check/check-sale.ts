import { defaultAhead } from '../../../client/consumer/pay-ahead.ts';
import { mostToLose } from '../../../core/agreement/most-to-lose.ts';
import { paidBlocks } from '../../../core/agreement/quota.ts';
import type { DatasetKind } from '../../../core/charter/kind.ts';
import { CALL_GAS, findUncovered, totalWei } from '../chain/model-money.ts';
import type { ModelAgreement } from '../chain/ocasc-model.ts';
import { HEALED_MS } from '../faults/draw-plan.ts';
import { PURSE_WEI } from '../sale/sale-world.ts';
import type { SimulatedSale } from '../sale/start-sale.ts';

type Fail = (what: string) => void;

const LOOK_MS = 5 * 60_000;
/** So long an agent may say nothing of a question that is open: what it sees is not final yet, or a call takes its time. */
const SILENT_MS = 10 * 60_000;
/** Behind the last moment by its terms, or behind all faults, an agreement is at its end within this time. */
const SLACK_MS = 45 * 60_000;
const OFFERED_WITHIN_MS = 90 * 60_000;

/** Looks every few minutes: the money is whole, every agreement ends in its time, and a question that waits is spoken of. */
export function watchSale(sale: SimulatedSale, fail: Fail): void {
  const { time } = sale.world;
  const look = (): void => {
    checkMoney(sale, fail);
    for (const agreement of sale.agreements('latest')) {
      if (agreement.question !== null) checkSpokenOf(sale, agreement, fail);
    }
    time.after(LOOK_MS, look);
  };
  time.after(LOOK_MS, look);
}

/** Until when all must have come to its end. */
export function overByMs({ world, agreements }: SimulatedSale): number {
  const { startMs } = world;
  const ends = agreements('latest').map(({ terms, end }) =>
    end === 0
      ? 1000 * Number(terms.acceptBySeconds)
      : 1000 * (end + terms.windowSeconds + Math.ceil(terms.windowSeconds / 4)),
  );
  const soonest = startMs + HEALED_MS + (ends.length === 0 ? OFFERED_WITHIN_MS : 0);
  return Math.max(soonest, ...ends) + SLACK_MS;
}

/** What became of everybody's money in the end. */
export function checkSale(sale: SimulatedSale, fail: Fail): void {
  checkMoney(sale, fail);
  if (!sale.isOver()) {
    const states = sale.agreements('latest').map(({ id, state }) => `${id.slice(0, 10)} ${state}`);
    fail(`a sale is not over within its bound: ${states.join(', ') || 'nothing was offered'}`);
    return;
  }
  for (const agreement of sale.agreements('final')) {
    if (agreement.state === 'cancelled') continue;
    checkConsumer(sale, agreement, fail);
    if (sale.isServed()) checkOwner(sale, agreement, fail);
  }
}

function checkMoney({ world: { chain } }: SimulatedSale, fail: Fail): void {
  const wholeWei = totalWei(chain.blocks[0]?.money ?? chain.latest().money);
  for (const { money, number } of chain.blocks.slice(-400)) {
    if (totalWei(money) !== wholeWei) fail(`money is not conserved in block ${number}`);
    const uncovered = findUncovered(money);
    if (uncovered !== null) fail(`in block ${number} ${uncovered}`);
  }
}

function checkSpokenOf({ agent, world: { time } }: SimulatedSale, agreement: ModelAgreement, fail: Fail): void {
  const { id, state, question, terms } = agreement;
  const askedMs = 1000 * ((question?.deadline ?? 0) - terms.windowSeconds);
  const aliveMs = agent.aliveSinceMs();
  if (aliveMs === null || time.nowMs() - Math.max(askedMs, aliveMs, agent.lastSaidMs(id)) <= SILENT_MS) return;
  fail(`a question is open (${state}), and the agent has said nothing for ${SILENT_MS / 60_000} minutes`);
}

/** Whatever the others did: no more than was shown before it accepted. */
function checkConsumer({ world, consumer }: SimulatedSale, agreement: ModelAgreement, fail: Fail): void {
  const { terms, due, id, challenges, demands } = agreement;
  const { chain, settings, kind } = world;
  const [baseFeeWei = 0n] = chain.blocks.map((block) => block.baseFeeWei).sort((a, b) => (a > b ? -1 : 1));
  const costs = { ...settings, baseFeeWei, gasPriceWei: baseFeeWei };
  const { consumer: most } = mostToLose({ terms, kind: kind as DatasetKind, ahead: defaultAhead(terms.count), costs });
  const verified = BigInt(consumer.keptOf(id)?.state.verified ?? 0);
  const worth = (verified * (terms.price - terms.fee)) / BigInt(terms.count);
  if (due - worth > most.money)
    fail(`a consumer has lost ${due - worth} for ${verified} blocks; ${most.money} was the most that was shown`);
  const isBreached = agreement.state === 'breached';
  const paid = isBreached ? due - terms.bond : due;
  const stakes = lostWei(world, agreement.consumer) - paid;
  if (stakes > BigInt(challenges) * most.challengeWei + BigInt(demands) * most.demandWei)
    fail(`questions have cost a consumer ${stakes} wei, more than was shown`);
}

/** Who follows the rules loses no bond, and is paid for every key that was given. */
function checkOwner({ agent }: SimulatedSale, { id, state, terms, due }: ModelAgreement, fail: Fail): void {
  if (state === 'breached') fail('an owner who follows the rules has lost the bond');
  const progress = agent.progressOf(id);
  if (progress === null) return;
  const { voucherDue, released } = progress;
  if (voucherDue !== null && voucherDue > due) fail(`an owner has a voucher for ${voucherDue}, and was paid ${due}`);
  if (paidBlocks(terms, due) < released) fail(`an owner has given ${released} keys, and was paid ${due} for them`);
}

/** Beyond what its transactions have cost. */
function lostWei({ chain }: SimulatedSale['world'], account: ModelAgreement['consumer']): bigint {
  const { money } = chain.latest();
  let gasWei = 0n;
  for (const { mined, baseFeeWei } of chain.blocks)
    for (const { transaction } of mined)
      if (transaction.sender === account && 'to' in transaction.call)
        gasWei += CALL_GAS * (baseFeeWei + transaction.call.tipWei);
  return PURSE_WEI - (money.balances.get(account) ?? 0n) - gasWei;
}
