import type { PrivateKey } from '../../../core/ids.ts';
import { accountOfKey } from '../../../core/typed-data.ts';
import type { ModelAgreement } from '../chain/ocasc-model.ts';
import { runAgent, type SimulatedAgent } from './run-agent.ts';
import { runConsumer, type SimulatedConsumer } from './run-consumer.ts';
import { runOwner } from './run-owner.ts';
import type { SaleWorld } from './sale-world.ts';

/** A sale in the middle of all that goes wrong. */
export interface SimulatedSale {
  readonly world: SaleWorld;
  readonly agent: SimulatedAgent;
  readonly consumer: SimulatedConsumer;
  /** Whether the owner's side keeps to the rules: its agent has not left for good. */
  isServed(): boolean;
  /** Of the newest block, or of the final one. */
  agreements(anchor: 'latest' | 'final'): readonly ModelAgreement[];
  /** Whether all has come to its end, finally, and nothing is left to be taken out. */
  isOver(): boolean;
}

const ENDED: readonly ModelAgreement['state'][] = ['cancelled', 'closed', 'breached'];

export function startSale(
  world: SaleWorld,
  keys: { readonly agent: PrivateKey; readonly consumer: PrivateKey },
): SimulatedSale {
  const { time, startMs, faults, chain } = world;
  const offersSecret = world.random.fork('offers').bytes(32);
  const agent = runAgent(world, { agentKey: keys.agent, offersSecret });
  const consumer = runConsumer(world, keys.consumer);
  let isServed = true;
  runOwner(world, {
    ...{ agent: accountOfKey(keys.agent), offersSecret },
    voucherOf: (id) => (isServed ? null : consumer.voucherOf(id)),
  });
  for (const { kind, fromMs } of faults.all) {
    if (kind !== 'agent-leaves') continue;
    time.after(startMs + fromMs - time.nowMs(), () => {
      faults.count(kind);
      isServed = false;
      agent.killForGood();
    });
  }
  const moneyAt = (anchor: 'latest' | 'final') => {
    const { number } = chain.latest();
    const block = chain.blocks[anchor === 'latest' ? number : chain.finalOf(number)];
    return (block ?? chain.latest()).money;
  };
  const agreements = (anchor: 'latest' | 'final') => [...moneyAt(anchor).ocasc.agreements.values()];
  return {
    ...{ world, agent, consumer, agreements },
    isServed: () => isServed,
    isOver() {
      const all = agreements('final');
      const isAnyAccepted = all.some(({ due, state }) => due > 0n || state === 'closed' || state === 'breached');
      const isEnded = all.length > 0 && all.every(({ state }) => ENDED.includes(state));
      return isEnded && isAnyAccepted && moneyAt('final').ocasc.credits.size === 0;
    },
  };
}
