import type { AnchorPorts } from '../../functions/anchor/anchor-ports.ts';

/** `before`: the process dies before the call goes out. `after`: the call is done, and its answer never comes back. */
export type Moment = 'before' | 'after';

export class Death extends Error {}

/** The ports of a process that dies at its call number `at`: that one and every later one fails. */
export function dyingPorts(
  ports: AnchorPorts,
  at: number,
  moment: Moment,
): { ports: AnchorPorts; calls: () => number } {
  let calls = 0;
  const dying = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const method = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...parameters: unknown[]) => {
          // Sixteen questions of one kind at once: it dies at the first of them, or at what follows.
          const isLike = name === 'query' && /^WORK#[^0]/.test(String(parameters[0]));
          const call = isLike ? calls - 1 : calls++;
          if (call > at || (call === at && !isLike && moment === 'before')) throw new Death(String(name));
          const result = await method.apply(target, parameters);
          if (call === at && !isLike) throw new Death(String(name));
          return result;
        };
      },
    });
  const { table, ledger, recorder, rounds, roundRecorder, objects, grants, grantRecorder } = ports;
  return {
    ports: {
      ...ports,
      ...{ table: dying(table), ledger: dying(ledger), recorder: dying(recorder), objects: dying(objects) },
      ...{ rounds: dying(rounds), roundRecorder: dying(roundRecorder) },
      grants: grants && dying(grants),
      grantRecorder: grantRecorder && dying(grantRecorder),
    },
    calls: () => calls,
  };
}
