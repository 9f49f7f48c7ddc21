import type { Fault } from '../faults/fault.ts';
import type { World } from './build-world.ts';

/** Lets the faults of an instant strike when their time has come. */
export function strikeAtTimes(world: World): void {
  const { time, faults, table, service, chain, devices } = world;
  const acts: Partial<Record<Fault['kind'], (fault: Fault) => boolean>> = {
    'table-rolled-back': ({ size }) => {
      table.rollBack(size);
      service.restart();
      return true;
    },
    'table-lost': () => {
      table.lose();
      service.restart();
      return true;
    },
    reorg: (fault) => {
      const random = faults.randomOf(fault);
      // Of the transactions that were taken back, later ones may be known to the network still, the first one not.
      return chain.reorganise(Math.round(fault.size), (_transaction, number) =>
        fault.where === 'first' ? number > 0 : fault.where === 'some' && random.chance(0.5),
      );
    },
    'service-down': () => {
      service.restart();
      return false;
    },
    'clock-jump': () => true,
    clone: (fault) => world.clone(faults.randomOf(fault)),
    'outbox-rots': (fault) => devices.length === 1 && (devices[0]?.rot(faults.randomOf(fault)) ?? false),
  };
  for (const fault of faults.all) {
    const act = acts[fault.kind];
    if (act !== undefined) time.after(fault.fromMs, () => act(fault) && faults.count(fault.kind));
  }
}
